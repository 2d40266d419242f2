"""The wheel's rules as pure functions: frames in, advice out.

In the order of the flow:

* contracts     chain, Greeks and predictions as one table, a row a contract
* holdings      the rows of the account as shares, options, cash
* account       what of them is free to trade with
* open_options  close, roll (`rolling`) or hold what is already sold (`short_option`)
* rules         which contracts may be sold, and the first rule that each of the others fails
* openings      the best put and the best call of each symbol, sized
* advice        `advise`: all of it, ranked; a row is a `suggestion`
* answer        the advice as one JSON document; `markdown` and `terminal` draw the words of `sheet`
"""
