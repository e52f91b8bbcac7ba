"""Tallies: records by outcome and hour, counted by the database itself whenever a record comes, changes or goes.

A later migration that makes the table of records anew on SQLite has to make its triggers again: they go with it.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

_TALLIES = 'INSERT INTO tallies (connection_id, hour, status, code, slot, records, calls)'
_SO_FAR = f"""{_TALLIES}
SELECT connection_id, coalesce(finished_at / 3600000, 0), status, coalesce(code, ''), 0, count(*), sum(calls)
FROM records GROUP BY 1, 2, 3, 4"""
# What a record counts as; `%s` is OLD or NEW.
_COUNTED = "%s.connection_id, coalesce(%s.finished_at / 3600000, 0), %s.status, coalesce(%s.code, '')"
_OLD, _NEW = (_COUNTED.replace('%s', row) for row in ('OLD', 'NEW'))
_WATCHED = 'status, code, finished_at, calls'


def upgrade() -> None:
    op.create_table('tallies',
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('hour', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('slot', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('records', sa.BigInteger(), nullable=False),
    sa.Column('calls', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('connection_id', 'hour', 'status', 'code', 'slot')
    )
    if not _is_sqlite():  # nobody writes between the count and the triggers
        op.execute('LOCK TABLE records IN SHARE ROW EXCLUSIVE MODE')
    op.execute(_SO_FAR)
    for statement in _sqlite() if _is_sqlite() else _postgresql():
        op.execute(statement)


def downgrade() -> None:
    on = '' if _is_sqlite() else ' ON records'
    for what in ('came', 'changed', 'went'):
        op.execute(f'DROP TRIGGER records_{what}{on}')
    if not _is_sqlite():
        op.execute('DROP FUNCTION tally_record()')
        op.execute('DROP SEQUENCE tallies_slot')
    op.drop_table('tallies')


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == 'sqlite'


def _sqlite() -> tuple[str, ...]:
    """There is one writer at a time: it adds to the one row of a count."""
    added = ('ON CONFLICT (connection_id, hour, status, code, slot) '
             'DO UPDATE SET records = records + excluded.records, calls = calls + excluded.calls;')
    less = f'{_TALLIES} VALUES ({_OLD}, 0, -1, -OLD.calls) {added}'
    more = f'{_TALLIES} VALUES ({_NEW}, 0, 1, NEW.calls) {added}'
    differs = ('OLD.status <> NEW.status OR OLD.code IS NOT NEW.code OR OLD.calls <> NEW.calls '
               'OR OLD.finished_at IS NOT NEW.finished_at')
    return (
        f'CREATE TRIGGER records_came AFTER INSERT ON records BEGIN {more} END',
        f'CREATE TRIGGER records_changed AFTER UPDATE OF {_WATCHED} ON records WHEN {differs} BEGIN {less} {more} END',
        f'CREATE TRIGGER records_went AFTER DELETE ON records BEGIN {less} END',
    )


def _postgresql() -> tuple[str, ...]:
    """Many write at once: each change is a row of its own, so that nobody waits for another, until they are added up
    (`connector.ledger.tallies.fold`)."""
    slot = "nextval('tallies_slot')"
    differs = ('(OLD.status, OLD.code, OLD.calls, OLD.finished_at) '
               'IS DISTINCT FROM (NEW.status, NEW.code, NEW.calls, NEW.finished_at)')
    return (
        'CREATE SEQUENCE tallies_slot',
        f"""CREATE FUNCTION tally_record() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
IF TG_OP <> 'INSERT' THEN {_TALLIES} VALUES ({_OLD}, {slot}, -1, -OLD.calls); END IF;
IF TG_OP <> 'DELETE' THEN {_TALLIES} VALUES ({_NEW}, {slot}, 1, NEW.calls); END IF;
RETURN NULL; END $$""",
        'CREATE TRIGGER records_came AFTER INSERT ON records FOR EACH ROW EXECUTE FUNCTION tally_record()',
        f'CREATE TRIGGER records_changed AFTER UPDATE OF {_WATCHED} ON records FOR EACH ROW WHEN ({differs}) '
        'EXECUTE FUNCTION tally_record()',
        'CREATE TRIGGER records_went AFTER DELETE ON records FOR EACH ROW EXECUTE FUNCTION tally_record()',
    )
