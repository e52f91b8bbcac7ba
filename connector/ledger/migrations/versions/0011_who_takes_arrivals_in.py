"""Who takes an arrival in: of one address one thing is in hand at a time, whichever process has it.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('arrivals', sa.Column('holder', sa.String(length=64), nullable=True))
    op.create_index('ix_arrivals_held', 'arrivals', ['holder'], unique=False, sqlite_where=sa.text('holder IS NOT NULL'), postgresql_where=sa.text('holder IS NOT NULL'))


def downgrade() -> None:
    op.drop_index('ix_arrivals_held', table_name='arrivals')
    op.drop_column('arrivals', 'holder')
