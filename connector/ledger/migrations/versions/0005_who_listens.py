"""Who listens to Crisp's RTM, and how far it was heard.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('listeners',
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('holder', sa.String(length=64), nullable=True),
    sa.Column('until', sa.BigInteger(), nullable=False),
    sa.Column('heard_at', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('connection_id')
    )
    op.create_index('ix_deliveries_event_id', 'deliveries', ['event_id'], unique=False)
    op.create_index('ix_events_session_id', 'events', ['session_id'], unique=False)
    op.create_index('ix_records_nameless', 'records', ['connection_id', 'who'], unique=False, sqlite_where=sa.text('email IS NULL'), postgresql_where=sa.text('email IS NULL'))
    op.create_index('ix_sessions_people_id', 'sessions', ['people_id'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_sessions_people_id', table_name='sessions')
    op.drop_index('ix_records_nameless', table_name='records')
    op.drop_index('ix_events_session_id', table_name='events')
    op.drop_index('ix_deliveries_event_id', table_name='deliveries')
    op.drop_table('listeners')
