"""Tickets: who is signed in to the pages, and codes good for one use. When a key was last used.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('tickets',
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('key_id', sa.String(length=32), nullable=True),
    sa.Column('until', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['key_id'], ['keys.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('hash')
    )
    op.create_index('ix_tickets_key_id', 'tickets', ['key_id'], unique=False)
    op.create_index('ix_tickets_until', 'tickets', ['until'], unique=False)
    op.add_column('keys', sa.Column('used_at', sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column('keys', 'used_at')
    op.drop_index('ix_tickets_until', table_name='tickets')
    op.drop_index('ix_tickets_key_id', table_name='tickets')
    op.drop_table('tickets')
