"""The tables. Times are UNIX milliseconds in UTC; nothing here names one database."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

# None is SQL's NULL; without this it would be JSON's `null`, which IS NOT NULL.
_OPTIONAL_JSON = JSON(none_as_null=True)

metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s"})


def _of_connection(*, primary_key: bool = False, index: bool = False) -> Column[str]:
    owner = ForeignKey("connections.id", ondelete="CASCADE")
    return Column("connection_id", String(64), owner, nullable=False, primary_key=primary_key, index=index)


# One Crisp website with its credential: the tenant. `key_sealed` is encrypted; `halted` says why nothing is sent;
# `findings` is what was found out about this Crisp, `probed_at` when; `added_by` the connection whose key made it.
# `hook_secret_sealed` signs Crisp's plugin hooks, `hook_key_sealed` stands in the address of website hooks. `quota_id`:
# which quota its calls count in.
connections = Table(
    "connections",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("label", Text, nullable=False),
    Column("website_id", String(128), nullable=False),
    Column("tier", String(16), nullable=False),
    Column("identifier", Text, nullable=False),
    Column("key_sealed", LargeBinary, nullable=False),
    Column("daily_quota", Integer, nullable=False),
    Column("rate", Integer),
    Column("halted", String(64)),
    Column("halted_at", BigInteger),
    Column("findings", JSON, nullable=False),
    Column("suggestions", _OPTIONAL_JSON),
    Column("suggested_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("probed_at", BigInteger),
    Column("added_by", String(64)),
    Column("hook_secret_sealed", LargeBinary),
    Column("hook_key_sealed", LargeBinary),
    Column("quota_id", String(64), nullable=False, server_default=text("''"), index=True),
)

# API keys, as SHA-256 of 256 random bits.
keys = Table(
    "keys",
    metadata,
    Column("id", String(32), primary_key=True),
    _of_connection(index=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("label", Text, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("used_at", BigInteger),
)

# What opens the pages for a while, as SHA-256 of random bits: a `session` of somebody signed in with a key, a `link`
# good for one, and the `setup` code of a service that nobody has a key for yet.
tickets = Table(
    "tickets",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("key_id", String(32), ForeignKey("keys.id", ondelete="CASCADE"), index=True),
    Column("until", BigInteger, nullable=False, index=True),
)

# What Crisp was last told about a person, with the source's time of each field. `complete`: nothing else is there.
people = Table(
    "people",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    _of_connection(),
    Column("email", String(320)),
    Column("people_id", String(64)),
    Column("known", JSON, nullable=False),
    Column("times", JSON, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("connection_id", "email", name="uq_people_email"),
    Index("ix_people_people_id", "connection_id", "people_id"),
)

# Which person a source's record is.
links = Table(
    "links",
    metadata,
    _of_connection(primary_key=True),
    Column("source", String(32), primary_key=True),
    Column("source_id", String(256), primary_key=True),
    Column("email", String(320), nullable=False, index=True),
)

# Records accepted together. `accepted_at` is empty while they still come in, `touched_at` says that they do. Records
# from the row `held_from` on wait until it is empty. `file` is the SHA-256 of the file that they came in, as long as it
# is kept, `reading` how it was read, `fingerprint` what it has in common with the same import asked for once more.
imports = Table(
    "imports",
    metadata,
    Column("id", String(32), primary_key=True),
    _of_connection(),
    Column("source", String(32)),
    Column("mode", String(8), nullable=False),
    Column("records", Integer, nullable=False),
    Column("notes", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("accepted_at", BigInteger),
    Column("touched_at", BigInteger),
    Column("held_from", Integer),
    Column("cancelled_at", BigInteger),
    Column("file", String(64), index=True),
    Column("file_name", Text),
    Column("reading", _OPTIONAL_JSON),
    Column("fingerprint", String(64)),
    Index("ix_imports_connection_id_id", "connection_id", "id"),
    Index("uq_imports_fingerprint", "connection_id", "fingerprint", unique=True),
)

# Files that imports came in, part by part, where no directory keeps them.
file_parts = Table(
    "file_parts",
    metadata,
    _of_connection(primary_key=True),
    Column("hash", String(64), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("bytes", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# Every record ever accepted and what became of it. `claim` is the lease token of the drain that has it in hand,
# `step` what of its plan is done, `unsure` since when a call may have been applied whose answer was never seen,
# `failing_since` when Crisp first failed it, with nothing but failures since; `alone`: it was refused together with
# others of its person, and goes by itself.
records = Table(
    "records",
    metadata,
    Column("id", String(32), primary_key=True),
    _of_connection(),
    Column("import_id", String(32), ForeignKey("imports.id", ondelete="CASCADE")),
    Column("row", Integer, nullable=False),
    Column("source", String(32), nullable=False),
    Column("source_id", String(256)),
    Column("who", String(320)),
    Column("email", String(320), index=True),
    Column("people_id", String(64)),
    Column("mode", String(8), nullable=False),
    Column("lane", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("code", String(64)),
    Column("detail", _OPTIONAL_JSON),
    Column("contact", _OPTIONAL_JSON),
    Column("at", BigInteger),
    Column("notes", JSON, nullable=False),
    Column("changed", JSON, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("trail", JSON, nullable=False),
    Column("step", String(16)),
    Column("unsure", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("failing_since", BigInteger),
    Column("claim", BigInteger),
    Column("due_at", BigInteger),
    Column("superseded_by", String(32)),
    Column("created_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("alone", Boolean, nullable=False, server_default=false()),
    Index("ix_records_import_id_row", "import_id", "row"),
    Index("ix_records_connection_id_id", "connection_id", "id"),
    # What a drain looks for, several times a second; what is claimed; what is said of one person.
    Index(
        "ix_records_due",
        "connection_id",
        "lane",
        "due_at",
        "id",
        sqlite_where=text("status = 'waiting' AND claim IS NULL"),
        postgresql_where=text("status = 'waiting' AND claim IS NULL"),
    ),
    Index(
        "ix_records_claimed",
        "connection_id",
        sqlite_where=text("status = 'waiting' AND claim IS NOT NULL"),
        postgresql_where=text("status = 'waiting' AND claim IS NOT NULL"),
    ),
    Index(
        "ix_records_waiting_who",
        "connection_id",
        "who",
        sqlite_where=text("status = 'waiting'"),
        postgresql_where=text("status = 'waiting'"),
    ),
    # What is said of a person who is named by the id alone.
    Index(
        "ix_records_nameless",
        "connection_id",
        "who",
        sqlite_where=text("email IS NULL"),
        postgresql_where=text("email IS NULL"),
    ),
)

# How many records there are by hour of their end (counted from 1970; 0: not ended, or too long ago for a chart),
# outcome and code ('': none), and the calls that they cost. Triggers of the database write them, so they are right
# whoever changes a record. Each count is the sum of its slots: see `connector.ledger.tallies`.
tallies = Table(
    "tallies",
    metadata,
    Column("connection_id", String(64), primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("status", String(16), primary_key=True),
    Column("code", String(64), primary_key=True),
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    Column("records", BigInteger, nullable=False),
    Column("calls", BigInteger, nullable=False),
)

# The right to deliver for a connection. The token grows with every grant; a late holder's writes are refused by it.
leases = Table(
    "leases",
    metadata,
    _of_connection(primary_key=True),
    Column("token", BigInteger, nullable=False),
    Column("holder", String(64)),
    Column("until", BigInteger, nullable=False),
    Column("in_flight", Integer, nullable=False, server_default="0"),
)

# Processes that deliver, and when each was last seen.
workers = Table(
    "workers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

# The day's quota of a credential, shared by every process and by all websites that a plugin's token serves: `id` is the
# connection's, or of the plugin. `believed`: what today's quota turned out to be, when that
# is less than what was said; `offset`: milliseconds after 00:00 UTC at which the day of this quota begins.
quotas = Table(
    "quotas",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("day", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    Column("next_slot_at", BigInteger, nullable=False),
    Column("blocked_until", BigInteger, nullable=False),
    Column("bulk_until", BigInteger, nullable=False),
    Column("strikes", Integer, nullable=False),
    Column("believed", Integer),
    Column("offset", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("failing", BigInteger, nullable=False, server_default="0"),
)

# How many calls were made, by route and by what came back: a status, or the code of a failure.
calls = Table(
    "calls",
    metadata,
    _of_connection(primary_key=True),
    Column("route", String(128), primary_key=True),
    Column("answer", String(64), primary_key=True),
    Column("count", BigInteger, nullable=False),
)

# How long records took from being accepted to their outcome: records by lane and by the upper bound of their bucket
# (milliseconds; 0 stands for no bound), and the sum of their times.
latencies = Table(
    "latencies",
    metadata,
    _of_connection(primary_key=True),
    Column("lane", Integer, primary_key=True),
    Column("bound", BigInteger, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("sum", BigInteger, nullable=False),
)

# Idempotency keys: which request had it, and what it made.
idempotency = Table(
    "idempotency",
    metadata,
    _of_connection(primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    Column("record_id", String(32)),
    Column("import_id", String(32)),
    Column("answer", _OPTIONAL_JSON),
    Column("created_at", BigInteger, nullable=False, index=True),
)

# Saved mappings: contact field, or `ignored`, → path or list of paths.
mappings = Table(
    "mappings",
    metadata,
    _of_connection(primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("rows", JSON, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

# What Crisp told, byte for byte, until it was understood; the row stays a while after that, so that the same is known
# again. `way`: plugin, website, rtm or listing. `digest`: of what makes one telling; `signature`: as it was signed.
# `outcome`: told, nothing (an event of which nobody is told), unknown (no such event is known), known (it came before)
# or broken.
hooks = Table(
    "hooks",
    metadata,
    Column("id", String(32), primary_key=True),
    _of_connection(),
    Column("digest", String(64), nullable=False),
    Column("signature", String(64)),
    Column("way", String(8), nullable=False),
    Column("event", String(64), nullable=False),
    Column("outcome", String(16)),
    Column("body", Text),
    Column("received_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Index("uq_hooks_digest", "connection_id", "digest", unique=True),
    Index("ix_hooks_due_at", "due_at", "id"),
    Index("ix_hooks_received_at", "received_at"),
)

# Which person a conversation is with, as far as Crisp has told.
sessions = Table(
    "sessions",
    metadata,
    _of_connection(primary_key=True),
    Column("session_id", String(128), primary_key=True),
    Column("people_id", String(64), index=True),
    Column("email", String(320), index=True),
    Column("updated_at", BigInteger, nullable=False),
)

# Who listens to Crisp's RTM for a connection, until when (UNIX milliseconds) unless it is renewed; what happened until
# `heard_at` was heard, or caught up with.
listeners = Table(
    "listeners",
    metadata,
    _of_connection(primary_key=True),
    Column("holder", String(64)),
    Column("until", BigInteger, nullable=False),
    Column("heard_at", BigInteger),
)

# What happened in Crisp or here, for whoever wants to know. It gathers what comes in a burst until `due_at`; then it is
# told, at `told_at`, and does not change any more. `subject`: what a burst is about; `own`: the echo of our own write.
events = Table(
    "events",
    metadata,
    Column("id", String(32), primary_key=True),
    _of_connection(),
    Column("event", String(32), nullable=False),
    Column("subject", String(512), nullable=False),
    Column("email", String(320), index=True),
    Column("people_id", String(64), index=True),
    Column("session_id", String(128), index=True),
    Column("own", Boolean, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("told_at", BigInteger),
    Index("ix_events_told_at", "connection_id", "event", "told_at", "id"),
    Index("ix_events_due_at", "due_at", "id"),
    Index(
        "uq_events_gathering",
        "connection_id",
        "event",
        "subject",
        unique=True,
        sqlite_where=text("told_at IS NULL"),
        postgresql_where=text("told_at IS NULL"),
    ),
)

# REST hooks. `fingerprint`: of event, address and filter; `token_hash`: of the capability in its Location.
# `old_sealed`: the secret before the last rotation, which still signs until `old_until`. `failing_since`: nothing but
# failures since then; `resume_at`: the subscriber asked to be left alone until then.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", String(32), primary_key=True),
    _of_connection(),
    Column("event", String(32), nullable=False),
    Column("target_url", Text, nullable=False),
    Column("filter", JSON, nullable=False),
    Column("include_own", Boolean, nullable=False),
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("old_sealed", LargeBinary),
    Column("old_until", BigInteger),
    Column("token_sealed", LargeBinary, nullable=False),
    Column("token_hash", String(64), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("failing_since", BigInteger),
    Column("resume_at", BigInteger),
    Column("disabled_at", BigInteger),
    Column("disabled_reason", Text),
    Index("uq_subscriptions_fingerprint", "connection_id", "fingerprint", unique=True),
    Index("ix_subscriptions_event", "connection_id", "event"),
)

# Places that events are written to, such as a Google Sheet. `options`: what the kind of place wants to know.
sinks = Table(
    "sinks",
    metadata,
    Column("id", String(32), primary_key=True),
    _of_connection(index=True),
    Column("kind", String(32), nullable=False),
    Column("label", Text, nullable=False),
    Column("events", JSON, nullable=False),
    Column("options", JSON, nullable=False),
    Column("credential_sealed", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("failing_since", BigInteger),
    Column("disabled_at", BigInteger),
    Column("disabled_reason", Text),
)

# One event for one who wants it, and what became of telling it. `body` is what is sent, the same at every attempt;
# `claim` is who has it in hand, until `claimed_until`. `sequence` grows with everything that one who wants it is told;
# `person`: a short hash of whom it is about, so that two deliveries about one person are not on their way at once.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(32), primary_key=True),
    _of_connection(),
    Column("subscription_id", String(32), ForeignKey("subscriptions.id", ondelete="CASCADE")),
    Column("sink_id", String(32), ForeignKey("sinks.id", ondelete="CASCADE")),
    Column("event_id", String(32), nullable=False, index=True),
    Column("event", String(32), nullable=False),
    Column("body", Text),
    Column("sequence", BigInteger, nullable=False),
    Column("person", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("trail", JSON, nullable=False),
    Column("due_at", BigInteger),
    Column("claim", String(64)),
    Column("claimed_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Index("ix_deliveries_connection_id_id", "connection_id", "id"),
    Index("ix_deliveries_subscription_id_id", "subscription_id", "id"),
    # What the next sequence is.
    Index("ix_deliveries_subscription_id_sequence", "subscription_id", "sequence"),
    Index("ix_deliveries_sink_id_sequence", "sink_id", "sequence"),
    # Whether anything is due; what is, of each subscription and of each sink; what is claimed.
    Index(
        "ix_deliveries_due",
        "due_at",
        "id",
        sqlite_where=text("status = 'waiting' AND claim IS NULL"),
        postgresql_where=text("status = 'waiting' AND claim IS NULL"),
    ),
    Index(
        "ix_deliveries_of_subscription",
        "subscription_id",
        "due_at",
        "sequence",
        sqlite_where=text("status = 'waiting' AND claim IS NULL"),
        postgresql_where=text("status = 'waiting' AND claim IS NULL"),
    ),
    Index(
        "ix_deliveries_of_sink",
        "sink_id",
        "sequence",
        sqlite_where=text("status = 'waiting'"),
        postgresql_where=text("status = 'waiting'"),
    ),
    Index(
        "ix_deliveries_claimed",
        "claimed_until",
        sqlite_where=text("status = 'waiting' AND claim IS NOT NULL"),
        postgresql_where=text("status = 'waiting' AND claim IS NOT NULL"),
    ),
)

# Addresses for the webhooks of other systems. `secret_sealed`: what their signatures are made with; `options`: how what
# comes is read; `credential_sealed`: with what the rest of it is fetched.
inbounds = Table(
    "inbounds",
    metadata,
    Column("id", String(32), primary_key=True),
    _of_connection(index=True),
    Column("source", String(32), nullable=False),
    Column("label", Text, nullable=False),
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("credential_sealed", LargeBinary),
    Column("options", JSON, nullable=False),
    Column("state", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# What is pulled from an address's system: `cursor`, where the next page begins (None: at the beginning), and `is_whole`
# once there is none; `import_id`, what it comes in as; `since`: what has changed since then alone; `caught_up_at`, when
# the last whole pull began; `place`: a hash of where all that is from, "" when nobody can tell, None when it
# is where the address says, as before that was written down. `holder` has it in
# hand until `until`, and is fenced by `token`. `due_at`: when it goes on, or begins again; None: not by itself. `code`:
# what keeps it, or has ended it.
pulls = Table(
    "pulls",
    metadata,
    Column("inbound_id", String(32), ForeignKey("inbounds.id", ondelete="CASCADE"), primary_key=True),
    _of_connection(index=True),
    Column("import_id", String(32)),
    Column("cursor", _OPTIONAL_JSON),
    Column("is_whole", Boolean, nullable=False),
    Column("since", BigInteger),
    Column("place", String(64)),
    Column("pages", Integer, nullable=False),
    Column("records", Integer, nullable=False),
    Column("code", String(64)),
    Column("tries", Integer, nullable=False),
    Column("began_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("caught_up_at", BigInteger),
    Column("due_at", BigInteger, index=True),
    Column("holder", String(64)),
    Column("until", BigInteger),
    Column("token", Integer, nullable=False),
)

# What came in at such an address; `body` is what was sent, None once it is understood; `headers`: those that it is read
# with, names in lower case. `outcome`: what became of it; `record_id` or `import_id`: what it was accepted as. While
# `holder` has it in hand, `due_at` is when others may; after a `~` it says how many had it before who died of it.
arrivals = Table(
    "arrivals",
    metadata,
    Column("id", String(32), primary_key=True),
    _of_connection(),
    Column("inbound_id", String(32), ForeignKey("inbounds.id", ondelete="CASCADE"), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("content_type", String(255), nullable=False),
    Column("body", LargeBinary),
    Column("headers", JSON),
    Column("received_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("holder", String(64)),
    Column("outcome", String(64)),
    Column("record_id", String(32)),
    Column("import_id", String(32)),
    Index("ix_arrivals_due_at", "due_at", "id"),
    Index(
        "ix_arrivals_held",
        "holder",
        sqlite_where=text("holder IS NOT NULL"),
        postgresql_where=text("holder IS NOT NULL"),
    ),
    Index("ix_arrivals_digest", "inbound_id", "digest"),
    Index("ix_arrivals_inbound_id_id", "inbound_id", "id"),
)
