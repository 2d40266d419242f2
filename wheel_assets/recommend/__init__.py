"""The wheel's rules as pure functions: frames in, advice out.

In the order of the flow:

* contracts_table  chain, Greeks and predictions as one table, a row a contract
* account          the account's shares, options and cash (`holdings`), and what of them is free (`state`)
* managing         close, roll (`rolling`) or hold what is already sold (`short_option`)
* rules            which contracts may be sold, and every rule that each of the others breaks
* opening          the best put and the best call of each symbol, sized
* advice           `advise`: all of it, ranked; a row is a `suggestion`
"""
