"""events, who is told of them, and addresses at which other systems tell"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('events',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('event', sa.String(length=32), nullable=False),
    sa.Column('subject', sa.String(length=400), nullable=False),
    sa.Column('email', sa.String(length=320), nullable=True),
    sa.Column('people_id', sa.String(length=64), nullable=True),
    sa.Column('session_id', sa.String(length=128), nullable=True),
    sa.Column('own', sa.Boolean(), nullable=False),
    sa.Column('payload', sa.JSON(), nullable=False),
    sa.Column('occurred_at', sa.BigInteger(), nullable=False),
    sa.Column('due_at', sa.BigInteger(), nullable=True),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('told_at', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_events_due_at', 'events', ['due_at', 'id'], unique=False)
    op.create_index(op.f('ix_events_email'), 'events', ['email'], unique=False)
    op.create_index('ix_events_told_at', 'events', ['connection_id', 'event', 'told_at', 'id'], unique=False)
    op.create_index('uq_events_gathering', 'events', ['connection_id', 'event', 'subject'], unique=True, sqlite_where=sa.text('told_at IS NULL'), postgresql_where=sa.text('told_at IS NULL'))
    op.create_table('hooks',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('way', sa.String(length=8), nullable=False),
    sa.Column('body', sa.Text(), nullable=True),
    sa.Column('received_at', sa.BigInteger(), nullable=False),
    sa.Column('due_at', sa.BigInteger(), nullable=True),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_hooks_due_at', 'hooks', ['due_at', 'id'], unique=False)
    op.create_index('ix_hooks_received_at', 'hooks', ['received_at'], unique=False)
    op.create_index('uq_hooks_digest', 'hooks', ['connection_id', 'digest'], unique=True)
    op.create_table('inbounds',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('source', sa.String(length=32), nullable=False),
    sa.Column('label', sa.Text(), nullable=False),
    sa.Column('secret_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('credential_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('options', sa.JSON(), nullable=False),
    sa.Column('state', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_inbounds_connection_id'), 'inbounds', ['connection_id'], unique=False)
    op.create_table('sessions',
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('session_id', sa.String(length=128), nullable=False),
    sa.Column('people_id', sa.String(length=64), nullable=True),
    sa.Column('email', sa.String(length=320), nullable=True),
    sa.Column('updated_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('connection_id', 'session_id')
    )
    op.create_index(op.f('ix_sessions_email'), 'sessions', ['email'], unique=False)
    op.create_table('sinks',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('label', sa.Text(), nullable=False),
    sa.Column('events', sa.JSON(), nullable=False),
    sa.Column('options', sa.JSON(), nullable=False),
    sa.Column('credential_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('failing_since', sa.BigInteger(), nullable=True),
    sa.Column('disabled_at', sa.BigInteger(), nullable=True),
    sa.Column('disabled_reason', sa.String(length=64), nullable=True),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_sinks_connection_id'), 'sinks', ['connection_id'], unique=False)
    op.create_table('subscriptions',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('event', sa.String(length=32), nullable=False),
    sa.Column('target_url', sa.Text(), nullable=False),
    sa.Column('filter', sa.JSON(), nullable=False),
    sa.Column('include_own', sa.Boolean(), nullable=False),
    sa.Column('secret_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('old_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('old_until', sa.BigInteger(), nullable=True),
    sa.Column('token_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('failing_since', sa.BigInteger(), nullable=True),
    sa.Column('disabled_at', sa.BigInteger(), nullable=True),
    sa.Column('disabled_reason', sa.String(length=64), nullable=True),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('uq_subscriptions_fingerprint', 'subscriptions', ['connection_id', 'fingerprint'], unique=True)
    op.create_table('arrivals',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('inbound_id', sa.String(length=32), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('body', sa.Text(), nullable=True),
    sa.Column('received_at', sa.BigInteger(), nullable=False),
    sa.Column('due_at', sa.BigInteger(), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('outcome', sa.String(length=64), nullable=True),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['inbound_id'], ['inbounds.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_arrivals_digest', 'arrivals', ['inbound_id', 'digest'], unique=False)
    op.create_index('ix_arrivals_due_at', 'arrivals', ['due_at', 'id'], unique=False)
    op.create_index(op.f('ix_arrivals_inbound_id'), 'arrivals', ['inbound_id'], unique=False)
    op.create_table('deliveries',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('subscription_id', sa.String(length=32), nullable=True),
    sa.Column('sink_id', sa.String(length=32), nullable=True),
    sa.Column('event_id', sa.String(length=32), nullable=False),
    sa.Column('event', sa.String(length=32), nullable=False),
    sa.Column('body', sa.Text(), nullable=True),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('trail', sa.JSON(), nullable=False),
    sa.Column('due_at', sa.BigInteger(), nullable=True),
    sa.Column('claim', sa.String(length=64), nullable=True),
    sa.Column('claimed_until', sa.BigInteger(), nullable=True),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('finished_at', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['sink_id'], ['sinks.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['subscription_id'], ['subscriptions.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_deliveries_connection_id_id', 'deliveries', ['connection_id', 'id'], unique=False)
    op.create_index('ix_deliveries_due', 'deliveries', ['due_at', 'id'], unique=False, sqlite_where=sa.text("status = 'waiting'"), postgresql_where=sa.text("status = 'waiting'"))
    op.create_index('ix_deliveries_sink_id_id', 'deliveries', ['sink_id', 'id'], unique=False)
    op.create_index('ix_deliveries_subscription_id_id', 'deliveries', ['subscription_id', 'id'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_deliveries_subscription_id_id', table_name='deliveries')
    op.drop_index('ix_deliveries_sink_id_id', table_name='deliveries')
    op.drop_index('ix_deliveries_due', table_name='deliveries', sqlite_where=sa.text("status = 'waiting'"), postgresql_where=sa.text("status = 'waiting'"))
    op.drop_index('ix_deliveries_connection_id_id', table_name='deliveries')
    op.drop_table('deliveries')
    op.drop_index(op.f('ix_arrivals_inbound_id'), table_name='arrivals')
    op.drop_index('ix_arrivals_due_at', table_name='arrivals')
    op.drop_index('ix_arrivals_digest', table_name='arrivals')
    op.drop_table('arrivals')
    op.drop_index('uq_subscriptions_fingerprint', table_name='subscriptions')
    op.drop_table('subscriptions')
    op.drop_index(op.f('ix_sinks_connection_id'), table_name='sinks')
    op.drop_table('sinks')
    op.drop_index(op.f('ix_sessions_email'), table_name='sessions')
    op.drop_table('sessions')
    op.drop_index(op.f('ix_inbounds_connection_id'), table_name='inbounds')
    op.drop_table('inbounds')
    op.drop_index('uq_hooks_digest', table_name='hooks')
    op.drop_index('ix_hooks_received_at', table_name='hooks')
    op.drop_index('ix_hooks_due_at', table_name='hooks')
    op.drop_table('hooks')
    op.drop_index('uq_events_gathering', table_name='events', sqlite_where=sa.text('told_at IS NULL'), postgresql_where=sa.text('told_at IS NULL'))
    op.drop_index('ix_events_told_at', table_name='events')
    op.drop_index(op.f('ix_events_email'), table_name='events')
    op.drop_index('ix_events_due_at', table_name='events')
    op.drop_table('events')
