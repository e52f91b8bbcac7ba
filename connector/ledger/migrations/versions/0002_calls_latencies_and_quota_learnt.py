"""calls and latencies are counted; what was learnt of a quota; who added a connection; who delivers"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

INDEXES = (
    ('ix_records_due', ['connection_id', 'lane', 'due_at', 'id'], "status = 'waiting' AND claim IS NULL"),
    ('ix_records_claimed', ['connection_id'], "status = 'waiting' AND claim IS NOT NULL"),
)


def upgrade() -> None:
    op.create_table('calls',
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('route', sa.String(length=128), nullable=False),
    sa.Column('answer', sa.String(length=64), nullable=False),
    sa.Column('count', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('connection_id', 'route', 'answer')
    )
    op.create_table('latencies',
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('lane', sa.Integer(), nullable=False),
    sa.Column('bound', sa.BigInteger(), nullable=False),
    sa.Column('count', sa.BigInteger(), nullable=False),
    sa.Column('sum', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('connection_id', 'lane', 'bound')
    )
    op.create_table('workers',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('started_at', sa.BigInteger(), nullable=False),
    sa.Column('seen_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.add_column('connections', sa.Column('probed_at', sa.BigInteger(), nullable=True))
    op.add_column('connections', sa.Column('added_by', sa.String(length=64), nullable=True))
    op.add_column('leases', sa.Column('in_flight', sa.Integer(), server_default='0', nullable=False))
    op.add_column('quotas', sa.Column('believed', sa.Integer(), nullable=True))
    op.add_column('quotas', sa.Column('offset', sa.Integer(), server_default='0', nullable=False))
    op.drop_index('ix_records_waiting', table_name='records')
    for name, columns, condition in INDEXES:
        where = sa.text(condition)
        op.create_index(name, 'records', columns, unique=False, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name, _, _ in INDEXES:
        op.drop_index(name, table_name='records')
    where = sa.text("status = 'waiting'")
    columns = ['connection_id', 'lane', 'id']
    op.create_index(
        'ix_records_waiting', 'records', columns, unique=False, sqlite_where=where, postgresql_where=where
    )
    op.drop_column('quotas', 'offset')
    op.drop_column('quotas', 'believed')
    op.drop_column('leases', 'in_flight')
    op.drop_column('connections', 'added_by')
    op.drop_column('connections', 'probed_at')
    op.drop_table('workers')
    op.drop_table('latencies')
    op.drop_table('calls')
