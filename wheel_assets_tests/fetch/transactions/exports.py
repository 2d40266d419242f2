"""One wheel as five brokers export it: a put, its roll, the assignment, a call, a dividend, the call-away."""

# ruff: noqa: E501 (lines as long as brokers write them)

SCHWAB = """\
"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"
"11/09/2026 as of 11/06/2026","Assigned","U 11/06/2026 31.00 C","CALL UNITY $31 EXP 11/06/26","1","","",""
"11/09/2026 as of 11/06/2026","Sell","U","UNITY SOFTWARE INC","100","$31.00","$0.02","$3099.98"
"10/20/2026","Qualified Dividend","U","UNITY SOFTWARE INC","","","","$25.00"
"10/05/2026","Sell to Open","U 11/06/2026 31.00 C","CALL UNITY $31 EXP 11/06/26","1","$0.90","$0.66","$89.34"
"10/05/2026 as of 10/02/2026","Assigned","U 10/02/2026 29.00 P","PUT UNITY $29 EXP 10/02/26","1","","",""
"10/05/2026 as of 10/02/2026","Buy","U","UNITY SOFTWARE INC","100","$29.00","","-$2900.00"
"08/28/2026","Sell to Open","U 10/02/2026 29.00 P","PUT UNITY $29 EXP 10/02/26","1","$1.35","$0.66","$134.34"
"08/28/2026","Buy to Close","U 09/04/2026 30.00 P","PUT UNITY $30 EXP 09/04/26","1","$0.40","$0.66","-$40.66"
"08/03/2026","Sell to Open","U 09/04/2026 30.00 P","PUT UNITY $30 EXP 09/04/26","1","$1.20","$0.66","$119.34"
"07/31/2026","MoneyLink Transfer","","Tfr BANK","","","","$10,000.00"
"""

_TASTY = (
    "Date,Type,Sub Type,Action,Symbol,Instrument Type,Description,Value,Quantity,Average Price,Commissions,Fees,"
    "Multiplier,Root Symbol,Underlying Symbol,Expiration Date,Strike Price,Call or Put,Order #,Total,Currency\n"
)
TASTYTRADE = (
    _TASTY
    + """\
2026-11-06T16:00:00-0500,Receive Deliver,Sell to Close,SELL_TO_CLOSE,U,Equity,Sell 100 U @ 31.00,"3,100.00",100,31.00,--,-0.02,,,,,,,,"3,099.98",USD
2026-11-06T16:00:00-0500,Receive Deliver,Assignment,,U     261106C00031000,Equity Option,Removal of option due to assignment,0.00,1,0.00,--,0.00,100,U,U,11/6/26,31,CALL,,0.00,USD
2026-10-20T08:00:00-0400,Money Movement,Dividend,,U,Equity,UNITY SOFTWARE INC,25.00,0,,--,0.00,,,,,,,,25.00,USD
2026-10-05T10:31:02-0400,Trade,Sell to Open,SELL_TO_OPEN,U     261106C00031000,Equity Option,Sold 1 U,90.00,1,90.00,-0.50,-0.16,100,U,U,11/6/26,31,CALL,4,89.34,USD
2026-10-02T17:00:00-0400,Receive Deliver,Buy to Open,BUY_TO_OPEN,U,Equity,Buy to Open 100 U @ 29.00,"-2,900.00",100,-29.00,--,0.00,,,,,,,,"-2,900.00",USD
2026-10-02T17:00:00-0400,Receive Deliver,Assignment,,U     261002P00029000,Equity Option,Removal of option due to assignment,0.00,1,0.00,--,0.00,100,U,U,10/2/26,29,PUT,,0.00,USD
2026-08-28T11:00:01-0400,Trade,Sell to Open,SELL_TO_OPEN,U     261002P00029000,Equity Option,Sold 1 U,135.00,1,135.00,-0.50,-0.16,100,U,U,10/2/26,29,PUT,3,134.34,USD
2026-08-28T11:00:00-0400,Trade,Buy to Close,BUY_TO_CLOSE,U     260904P00030000,Equity Option,Bought 1 U,-40.00,1,-40.00,-0.50,-0.16,100,U,U,9/4/26,30,PUT,2,-40.66,USD
2026-08-03T09:45:00-0400,Trade,Sell to Open,SELL_TO_OPEN,U     260904P00030000,Equity Option,Sold 1 U,120.00,1,120.00,-0.50,-0.16,100,U,U,9/4/26,30,PUT,1,119.34,USD
2026-07-31T14:00:00-0400,Money Movement,Deposit,,,,Wire Funds Received,"10,000.00",0,,--,0.00,,,,,,,,"10,000.00",USD
"""
)

FIDELITY = """\
\ufeff

Run Date,Action,Symbol,Description,Type,Price ($),Quantity,Commission ($),Fees ($),Accrued Interest ($),Amount ($),Cash Balance ($),Settlement Date
11/09/2026,YOU SOLD ASSIGNED CALLS AS OF 11-06-26 UNITY SOFTWARE (U) (Cash),U,UNITY SOFTWARE,Cash,31,-100,"",0.02,"",3099.98,0,11/09/2026
11/09/2026,ASSIGNED as of Nov-06-2026 CALL (U) UNITY NOV 06 26 $31 (100 SHS) (Cash), -U261106C31,CALL (U),Cash,"",1,"","","",0.00,0,""
10/20/2026,DIVIDEND RECEIVED UNITY SOFTWARE (U) (Cash),U,UNITY SOFTWARE,Cash,"",0,"","","",25.00,0,""
10/05/2026,YOU SOLD OPENING TRANSACTION CALL (U) UNITY NOV 06 26 $31 (100 SHS) (Cash), -U261106C31,CALL (U),Cash,0.90,-1,0.65,0.01,"",89.34,0,10/06/2026
10/05/2026,YOU BOUGHT ASSIGNED PUTS AS OF 10-02-26 UNITY SOFTWARE (U) (Cash),U,UNITY SOFTWARE,Cash,29,100,"","","",-2900,0,10/05/2026
10/05/2026,ASSIGNED as of 2026-10-02 PUT (U) UNITY OCT 02 26 $29 (100 SHS) (Cash), -U261002P29,PUT (U),Cash,"",1,"","","",0.00,0,""
08/28/2026,YOU SOLD OPENING TRANSACTION PUT (U) UNITY OCT 02 26 $29 (100 SHS) (Cash), -U261002P29,PUT (U),Cash,1.35,-1,0.65,0.01,"",134.34,0,08/31/2026
08/28/2026,YOU BOUGHT CLOSING TRANSACTION PUT (U) UNITY SEP 04 26 $30 (100 SHS) (Cash), -U260904P30,PUT (U),Cash,0.40,1,0.65,0.01,"",-40.66,0,08/31/2026
08/03/2026,YOU SOLD OPENING TRANSACTION PUT (U) UNITY SEP 04 26 $30 (100 SHS) (Cash), -U260904P30,PUT (U),Cash,1.20,-1,0.65,0.01,"",119.34,0,08/04/2026
07/31/2026,Electronic Funds Transfer Received (Cash),,No Description,Cash,"",0,"","","",10000,0,""

"The data and information in this spreadsheet is provided to you solely for your use and is not for distribution."
"""

ROBINHOOD = """\
"Activity Date","Process Date","Settle Date","Instrument","Description","Trans Code","Quantity","Price","Amount"
"11/6/2026","11/6/2026","11/9/2026","U","Unity Software
CUSIP: 91332U101
1 U Option Assigned","Sell","100","$31.00","$3,099.98"
"11/6/2026","11/6/2026","11/9/2026","U","U 11/6/2026 Call $31.00","OASGN","1S","",""
"10/20/2026","10/20/2026","10/20/2026","U","Cash Div: R/D 2026-10-06","CDIV","","","$25.00"
"10/5/2026","10/5/2026","10/6/2026","U","U 11/6/2026 Call $31.00","STO","1","$0.90","$89.34"
"10/2/2026","10/2/2026","10/5/2026","U","U 10/2/2026 Put $29.00","OASGN","1","",""
"10/2/2026","10/2/2026","10/5/2026","U","Unity Software
CUSIP: 91332U101
1 U Option Assigned","Buy","100","$29.00","($2,900.00)"
"8/28/2026","8/28/2026","8/31/2026","U","U 10/2/2026 Put $29.00","STO","1","$1.35","$134.34"
"8/28/2026","8/28/2026","8/31/2026","U","U 9/4/2026 Put $30.00","BTC","1","$0.40","($40.66)"
"8/3/2026","8/3/2026","8/4/2026","U","U 9/4/2026 Put $30.00","STO","1","$1.20","$119.34"
"7/31/2026","7/31/2026","7/31/2026","","ACH Deposit","ACH","","","$10,000.00"
"""

_TRADES = (
    "Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price,C. Price,Proceeds,"
)
IBKR_STATEMENT = (
    "Statement,Header,Field Name,Field Value\nStatement,Data,BrokerName,Interactive Brokers\n"
    + _TRADES
    + """\
Comm/Fee,Basis,Realized P/L,MTM P/L,Code
Trades,Data,Order,Equity and Index Options,USD,U 04SEP26 30 P,"2026-08-03, 09:45:00",-1,1.2,1.2,120,-0.66,-119.34,0,0,O
Trades,Data,Order,Equity and Index Options,USD,U 04SEP26 30 P,"2026-08-28, 11:00:00",1,0.4,0.4,-40,-0.66,119.34,78.68,0,C
Trades,Data,Order,Equity and Index Options,USD,U 02OCT26 29 P,"2026-08-28, 11:00:01",-1,1.35,1.35,135,-0.66,-134.34,0,0,O;P
Trades,Data,Trade,Equity and Index Options,USD,U 02OCT26 29 P,"2026-08-28, 11:00:01",-1,1.35,1.35,135,-0.66,-134.34,0,0,O;P
Trades,Data,Order,Equity and Index Options,USD,U 02OCT26 29 P,"2026-10-02, 16:20:00",1,0,0,0,0,134.34,0,0,A;C
Trades,Data,Order,Stocks,USD,U,"2026-10-02, 16:20:00",100,29,28.5,-2900,0,2900,0,0,A;O
Trades,Data,Order,Equity and Index Options,USD,U 06NOV26 31 C,"2026-10-05, 10:31:02",-1,0.9,0.9,90,-0.66,-89.34,0,0,O
Trades,Data,Order,Equity and Index Options,USD,U 06NOV26 31 C,"2026-11-06, 16:20:00",1,0,0,0,0,89.34,0,0,A;C
Trades,Data,Order,Stocks,USD,U,"2026-11-06, 16:20:00",-100,31,32,3100,-0.02,-2900,199.98,0,A;C
Trades,SubTotal,,Stocks,USD,U,,0,,,200,-0.02,,,,
Dividends,Header,Currency,Date,Description,Amount
Dividends,Data,USD,2026-10-20,U(US91332U1016) Cash Dividend USD 0.25 per Share (Ordinary Dividend),25
Dividends,Data,Total,,,25
Deposits & Withdrawals,Header,Currency,Settle Date,Description,Amount
Deposits & Withdrawals,Data,USD,2026-07-31,Electronic Fund Transfer,10000
"""
)


def _flex(day: str, symbol: str, quantity: int, price: float, net: float, notes: str, category: str = "OPT") -> str:
    return (
        f'<Trade currency="USD" assetCategory="{category}" symbol="{symbol}" underlyingSymbol="U" dateTime="{day}"'
        f' quantity="{quantity}" tradePrice="{price}" netCash="{net}" notes="{notes}" levelOfDetail="EXECUTION" />'
    )


IBKR_FLEX = (
    '<FlexQueryResponse><FlexStatements count="1"><FlexStatement accountId="U1"><Trades>'
    + _flex("20260803;094500", "U     260904P00030000", -1, 1.2, 119.34, "O")
    + _flex("20260828;110000", "U     260904P00030000", 1, 0.4, -40.66, "C")
    + _flex("20260828;110001", "U     261002P00029000", -1, 1.35, 134.34, "O;P")
    + _flex("20261002;162000", "U     261002P00029000", 1, 0, 0, "A")
    + _flex("20261002;162000", "U", 100, 29, -2900, "A", "STK")
    + _flex("20261005;103102", "U     261106C00031000", -1, 0.9, 89.34, "O")
    + _flex("20261106;162000", "U     261106C00031000", 1, 0, 0, "A")
    + _flex("20261106;162000", "U", -100, 31, 3099.98, "A", "STK")
    + '</Trades><CashTransactions><CashTransaction type="Dividends" currency="USD" symbol="U" dateTime="20261020"'
    + ' amount="25" levelOfDetail="DETAIL" /><CashTransaction type="Deposits/Withdrawals" currency="USD" symbol=""'
    + ' dateTime="20260731" amount="10000" levelOfDetail="DETAIL" /></CashTransactions>'
    + "</FlexStatement></FlexStatements></FlexQueryResponse>"
)

OWN = """\
executed_at,kind,symbol,option_symbol,quantity,price,fees,amount
2026-07-31,other,,,,,,10000
2026-08-03,trade,U,U     260904P00030000,-1,1.20,0.66,119.34
2026-08-28,trade,U,U     260904P00030000,1,0.40,0.66,-40.66
2026-08-28,trade,U,U     261002P00029000,-1,1.35,0.66,134.34
2026-10-02,assignment,U,U     261002P00029000,1,,,0
2026-10-02,assignment,U,,100,29,,-2900
2026-10-05,trade,U,U     261106C00031000,-1,0.90,0.66,89.34
2026-10-20,dividend,U,,,,,25
2026-11-06,assignment,U,U     261106C00031000,1,,,0
2026-11-06,assignment,U,,-100,31,0.02,3099.98
"""

EXPORTS = {
    "schwab": SCHWAB,
    "tastytrade": TASTYTRADE,
    "fidelity": FIDELITY,
    "robinhood": ROBINHOOD,
    "ibkr statement": IBKR_STATEMENT,
    "ibkr flex": IBKR_FLEX,
    "own": OWN,
}
