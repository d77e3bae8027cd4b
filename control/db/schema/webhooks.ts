// Step 6: webhook endpoints, the outbox, deliveries and their attempts; whether a host's presence was told.
export const WEBHOOKS = `
CREATE TABLE webhooks (
  id               TEXT PRIMARY KEY,
  url              TEXT NOT NULL,
  description      TEXT,
  events           TEXT NOT NULL,            -- JSON array of patterns
  customer_id      TEXT,                     -- hears only of this customer's services
  host_labels      TEXT,                     -- JSON object: hears only of hosts with these
  sealed           BLOB NOT NULL,            -- its secrets
  state            TEXT NOT NULL,            -- active, paused, disabled
  disabled_reason  TEXT,
  failures         INTEGER NOT NULL DEFAULT 0, -- failed attempts since the last good one
  open_until       INTEGER,                  -- the breaker lets nothing through before
  after_seq        INTEGER NOT NULL,         -- outbox: hears of what came later
  created_at       INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX webhooks_by_age ON webhooks (created_at, id);

-- Written with each timeline event, emptied as events become messages.
CREATE TABLE outbox (
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL
) STRICT;

-- What is sent, to the byte: the same for each endpoint and each attempt.
CREATE TABLE webhook_messages (
  id   TEXT PRIMARY KEY,
  type TEXT NOT NULL,
  body TEXT NOT NULL,
  at   INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_messages_by_age ON webhook_messages (at);

CREATE TABLE deliveries (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL UNIQUE,
  webhook_id  TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  message_id  TEXT NOT NULL REFERENCES webhook_messages (id) ON DELETE CASCADE,
  state       TEXT NOT NULL,                 -- pending, delivered, failed, dropped
  error       TEXT,                          -- why the last attempt or the delivery failed
  tries       INTEGER NOT NULL DEFAULT 0,    -- since it was last asked for
  asked_at    INTEGER NOT NULL,              -- the day in which it is tried begins here
  next_at     INTEGER,                       -- of pending ones
  created_at  INTEGER NOT NULL,
  finished_at INTEGER,
  UNIQUE (webhook_id, message_id)
) STRICT;
CREATE INDEX deliveries_due ON deliveries (webhook_id, next_at, seq) WHERE state = 'pending';
CREATE INDEX deliveries_by_webhook ON deliveries (webhook_id, created_at, seq);
CREATE INDEX deliveries_by_message ON deliveries (message_id);
CREATE INDEX deliveries_by_age ON deliveries (created_at);

CREATE TABLE delivery_attempts (
  delivery_id     TEXT NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
  number          INTEGER NOT NULL,
  at              INTEGER NOT NULL,
  duration_ms     INTEGER NOT NULL,
  url             TEXT NOT NULL,
  request_headers TEXT NOT NULL,             -- JSON object
  status          INTEGER,                   -- null: there was no reply
  reply_headers   TEXT,                      -- JSON object
  reply_body      TEXT,                      -- its beginning
  is_cut          INTEGER NOT NULL,
  error           TEXT,
  PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;

ALTER TABLE hosts ADD COLUMN is_online INTEGER NOT NULL DEFAULT 0; -- as the timeline tells
`;
