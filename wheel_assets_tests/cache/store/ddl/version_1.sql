CREATE TABLE snapshots ("snapshot_id" BIGINT NOT NULL, "table_name" VARCHAR NOT NULL, "key" VARCHAR NOT NULL,
    "timestamp" TIMESTAMP NOT NULL, "created_at" TIMESTAMP NOT NULL, "last_used_at" TIMESTAMP NOT NULL,
    "hits" BIGINT NOT NULL, "rows" BIGINT NOT NULL, "bytes" BIGINT NOT NULL, "content_hash" VARCHAR NOT NULL,
    "source" VARCHAR NOT NULL, "run_id" VARCHAR, "inputs" BIGINT[] NOT NULL, "recipe" VARCHAR NOT NULL);
CREATE TABLE price_history ("snapshot_id" BIGINT NOT NULL, "timestamp" TIMESTAMP NOT NULL, "symbol" VARCHAR NOT NULL,
    "date" DATE NOT NULL, "open" DOUBLE, "high" DOUBLE, "low" DOUBLE, "close" DOUBLE NOT NULL, "volume" BIGINT,
    "source" VARCHAR NOT NULL, "created_at" TIMESTAMP NOT NULL);
CREATE TABLE risk_free_rate ("snapshot_id" BIGINT NOT NULL, "timestamp" TIMESTAMP NOT NULL,
    "observation_date" DATE NOT NULL, "value" DOUBLE NOT NULL, "source" VARCHAR NOT NULL,
    "created_at" TIMESTAMP NOT NULL);
CREATE SEQUENCE snapshot_ids START WITH 3;
CREATE TABLE meta (key VARCHAR NOT NULL, value VARCHAR NOT NULL);
INSERT INTO meta VALUES ('schema_version', '1');
