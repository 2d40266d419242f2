CREATE TABLE option_chains (
    "snapshot_id" BIGINT NOT NULL,
    "timestamp" TIMESTAMP NOT NULL,
    "symbol" VARCHAR NOT NULL,
    "option_symbol" VARCHAR NOT NULL,
    "expiration" DATE NOT NULL,
    "strike" DOUBLE NOT NULL,
    "option_type" VARCHAR NOT NULL,
    "bid" DOUBLE,
    "ask" DOUBLE,
    "last" DOUBLE,
    "bid_size" BIGINT,
    "ask_size" BIGINT,
    "volume" BIGINT,
    "open_interest" BIGINT,
    "iv" DOUBLE,
    "spot_price" DOUBLE NOT NULL,
    "multiplier" BIGINT NOT NULL,
    "quote_quality" VARCHAR NOT NULL,
    "source" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL
);
CREATE TABLE positions (
    "snapshot_id" BIGINT NOT NULL,
    "timestamp" TIMESTAMP NOT NULL,
    "account_id" VARCHAR NOT NULL,
    "asset_type" VARCHAR NOT NULL,
    "symbol" VARCHAR NOT NULL,
    "underlying" VARCHAR,
    "option_type" VARCHAR,
    "expiration" DATE,
    "strike" DOUBLE,
    "multiplier" BIGINT NOT NULL,
    "quantity" DOUBLE NOT NULL,
    "average_price" DOUBLE,
    "market_value" DOUBLE,
    "source" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL
);
CREATE TABLE risk_free_rate (
    "snapshot_id" BIGINT NOT NULL,
    "timestamp" TIMESTAMP NOT NULL,
    "observation_date" DATE NOT NULL,
    "tenor_years" DOUBLE,
    "value" DOUBLE NOT NULL,
    "source" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL
);
CREATE TABLE price_history (
    "snapshot_id" BIGINT NOT NULL,
    "timestamp" TIMESTAMP NOT NULL,
    "symbol" VARCHAR NOT NULL,
    "date" DATE NOT NULL,
    "open" DOUBLE,
    "high" DOUBLE,
    "low" DOUBLE,
    "close" DOUBLE NOT NULL,
    "volume" BIGINT,
    "source" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL
);
CREATE TABLE greeks (
    "snapshot_id" BIGINT NOT NULL,
    "timestamp" TIMESTAMP NOT NULL,
    "symbol" VARCHAR NOT NULL,
    "option_symbol" VARCHAR NOT NULL,
    "expiration" DATE NOT NULL,
    "strike" DOUBLE NOT NULL,
    "option_type" VARCHAR NOT NULL,
    "spot_price" DOUBLE NOT NULL,
    "mid" DOUBLE,
    "risk_free_rate" DOUBLE NOT NULL,
    "dividend_yield" DOUBLE NOT NULL,
    "years" DOUBLE NOT NULL,
    "iv" DOUBLE,
    "delta" DOUBLE,
    "gamma" DOUBLE,
    "theta" DOUBLE,
    "vega" DOUBLE,
    "rho" DOUBLE,
    "status" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL
);
CREATE TABLE predictions (
    "snapshot_id" BIGINT NOT NULL,
    "timestamp" TIMESTAMP NOT NULL,
    "prediction_id" VARCHAR NOT NULL,
    "symbol" VARCHAR NOT NULL,
    "option_symbol" VARCHAR NOT NULL,
    "expiration" DATE NOT NULL,
    "strike" DOUBLE NOT NULL,
    "option_type" VARCHAR NOT NULL,
    "prob_itm" DOUBLE,
    "prob_touch" DOUBLE,
    "expected_return" DOUBLE,
    "cvar_95" DOUBLE,
    "input_features" JSON NOT NULL,
    "predictions" JSON NOT NULL,
    "model_version" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL
);
CREATE TABLE recommendation (
    "snapshot_id" BIGINT NOT NULL,
    "timestamp" TIMESTAMP NOT NULL,
    "rank" BIGINT NOT NULL,
    "action" VARCHAR NOT NULL,
    "symbol" VARCHAR NOT NULL,
    "option_symbol" VARCHAR,
    "expiration" DATE,
    "strike" DOUBLE,
    "quantity" BIGINT,
    "limit_price" DOUBLE,
    "credit" DOUBLE,
    "collateral" DOUBLE,
    "annualized_return" DOUBLE,
    "prob_itm" DOUBLE,
    "breakeven" DOUBLE,
    "max_loss" DOUBLE,
    "cvar_95" DOUBLE,
    "objective" DOUBLE,
    "roll_to_option_symbol" VARCHAR,
    "reason" VARCHAR NOT NULL,
    "portfolio_value" DOUBLE NOT NULL,
    "data_age_minutes" DOUBLE,
    "oldest_input" VARCHAR,
    "source" VARCHAR NOT NULL,
    "model_version" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL
);
CREATE TABLE documents (
    "snapshot_id" BIGINT NOT NULL,
    "timestamp" TIMESTAMP NOT NULL,
    "key" VARCHAR NOT NULL,
    "document" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL
);
CREATE TABLE snapshots (
    "snapshot_id" BIGINT NOT NULL,
    "table_name" VARCHAR NOT NULL,
    "key" VARCHAR NOT NULL,
    "timestamp" TIMESTAMP NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "last_used_at" TIMESTAMP NOT NULL,
    "hits" BIGINT NOT NULL,
    "rows" BIGINT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "content_hash" VARCHAR NOT NULL,
    "source" VARCHAR NOT NULL,
    "run_id" VARCHAR,
    "inputs" BIGINT[] NOT NULL,
    "recipe" VARCHAR NOT NULL,
    "notes" VARCHAR[]
);
CREATE TABLE api_calls (
    "at" TIMESTAMP NOT NULL,
    "source" VARCHAR NOT NULL,
    "endpoint" VARCHAR NOT NULL,
    "status" BIGINT,
    "duration_ms" DOUBLE,
    "bytes" BIGINT,
    "cost_usd" DOUBLE NOT NULL,
    "key" VARCHAR,
    "error" VARCHAR
);
CREATE SEQUENCE snapshot_ids START WITH 1;
CREATE TABLE meta (
    key VARCHAR NOT NULL,
    value VARCHAR NOT NULL
);
INSERT INTO meta VALUES ('schema_version', '2');
