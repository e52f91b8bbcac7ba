"""events, who is told of them, and addresses at which other systems tell"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


_QUOTAS = ('day', 'used', 'next_slot_at', 'blocked_until', 'bulk_until', 'strikes', 'believed')


def _new_quotas() -> None:
    """By credential, no longer by connection: `id` is no reference to one."""
    op.rename_table('quotas', 'old_quotas')
    op.create_table('quotas',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('day', sa.Integer(), nullable=False),
    sa.Column('used', sa.Integer(), nullable=False),
    sa.Column('next_slot_at', sa.BigInteger(), nullable=False),
    sa.Column('blocked_until', sa.BigInteger(), nullable=False),
    sa.Column('bulk_until', sa.BigInteger(), nullable=False),
    sa.Column('strikes', sa.Integer(), nullable=False),
    sa.Column('believed', sa.Integer(), nullable=True),
    sa.Column('offset', sa.Integer(), server_default='0', nullable=False),
    sa.Column('failures', sa.Integer(), server_default='0', nullable=False),
    sa.Column('failing', sa.BigInteger(), server_default='0', nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    kept = ', '.join((*_QUOTAS, '"offset"'))
    op.execute(f'INSERT INTO quotas (id, {kept}) SELECT connection_id, {kept} FROM old_quotas')
    op.drop_table('old_quotas')


def upgrade() -> None:
    op.add_column('connections', sa.Column('hook_secret_sealed', sa.LargeBinary(), nullable=True))
    op.add_column('connections', sa.Column('hook_key_sealed', sa.LargeBinary(), nullable=True))
    op.add_column('connections', sa.Column('quota_id', sa.String(length=64), server_default=sa.text("''"), nullable=False))
    op.execute('UPDATE connections SET quota_id = id')
    op.create_index('ix_connections_quota_id', 'connections', ['quota_id'], unique=False)
    op.add_column('records', sa.Column('alone', sa.Boolean(), server_default=sa.false(), nullable=False))
    _new_quotas()
    op.create_table('events',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('event', sa.String(length=32), nullable=False),
    sa.Column('subject', sa.String(length=512), nullable=False),
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
    op.create_index(op.f('ix_events_people_id'), 'events', ['people_id'], unique=False)
    op.create_index('ix_events_told_at', 'events', ['connection_id', 'event', 'told_at', 'id'], unique=False)
    op.create_index('uq_events_gathering', 'events', ['connection_id', 'event', 'subject'], unique=True, sqlite_where=sa.text('told_at IS NULL'), postgresql_where=sa.text('told_at IS NULL'))
    op.create_table('hooks',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('signature', sa.String(length=64), nullable=True),
    sa.Column('way', sa.String(length=8), nullable=False),
    sa.Column('event', sa.String(length=64), nullable=False),
    sa.Column('outcome', sa.String(length=16), nullable=True),
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
    sa.Column('disabled_reason', sa.Text(), nullable=True),
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
    sa.Column('resume_at', sa.BigInteger(), nullable=True),
    sa.Column('disabled_at', sa.BigInteger(), nullable=True),
    sa.Column('disabled_reason', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_subscriptions_event', 'subscriptions', ['connection_id', 'event'], unique=False)
    op.create_index('uq_subscriptions_fingerprint', 'subscriptions', ['connection_id', 'fingerprint'], unique=True)
    op.create_table('arrivals',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('inbound_id', sa.String(length=32), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('content_type', sa.String(length=255), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=True),
    sa.Column('received_at', sa.BigInteger(), nullable=False),
    sa.Column('due_at', sa.BigInteger(), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('outcome', sa.String(length=64), nullable=True),
    sa.Column('record_id', sa.String(length=32), nullable=True),
    sa.Column('import_id', sa.String(length=32), nullable=True),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['inbound_id'], ['inbounds.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_arrivals_digest', 'arrivals', ['inbound_id', 'digest'], unique=False)
    op.create_index('ix_arrivals_due_at', 'arrivals', ['due_at', 'id'], unique=False)
    op.create_index('ix_arrivals_inbound_id_id', 'arrivals', ['inbound_id', 'id'], unique=False)
    op.create_table('deliveries',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('subscription_id', sa.String(length=32), nullable=True),
    sa.Column('sink_id', sa.String(length=32), nullable=True),
    sa.Column('event_id', sa.String(length=32), nullable=False),
    sa.Column('event', sa.String(length=32), nullable=False),
    sa.Column('body', sa.Text(), nullable=True),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('person', sa.BigInteger(), nullable=False),
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
    op.create_index('ix_deliveries_claimed', 'deliveries', ['claimed_until'], unique=False, sqlite_where=sa.text("status = 'waiting' AND claim IS NOT NULL"), postgresql_where=sa.text("status = 'waiting' AND claim IS NOT NULL"))
    op.create_index('ix_deliveries_due', 'deliveries', ['due_at', 'id'], unique=False, sqlite_where=sa.text("status = 'waiting' AND claim IS NULL"), postgresql_where=sa.text("status = 'waiting' AND claim IS NULL"))
    op.create_index('ix_deliveries_of_sink', 'deliveries', ['sink_id', 'sequence'], unique=False, sqlite_where=sa.text("status = 'waiting'"), postgresql_where=sa.text("status = 'waiting'"))
    op.create_index('ix_deliveries_of_subscription', 'deliveries', ['subscription_id', 'due_at', 'sequence'], unique=False, sqlite_where=sa.text("status = 'waiting' AND claim IS NULL"), postgresql_where=sa.text("status = 'waiting' AND claim IS NULL"))
    op.create_index('ix_deliveries_sink_id_sequence', 'deliveries', ['sink_id', 'sequence'], unique=False)
    op.create_index('ix_deliveries_subscription_id_id', 'deliveries', ['subscription_id', 'id'], unique=False)
    op.create_index('ix_deliveries_subscription_id_sequence', 'deliveries', ['subscription_id', 'sequence'], unique=False)


def downgrade() -> None:
    raise NotImplementedError('What quotas several websites share cannot be parted again. Restore a backup.')
