-- What the request was that made a message by an idempotency key: the same key with another request is a mistake. Null for
-- messages without a key, and for those of before.
alter table messages add column request_fingerprint bytea;
