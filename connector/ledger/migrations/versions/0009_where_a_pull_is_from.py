"""Where what was pulled is from: elsewhere, a pull begins anew.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('pulls', sa.Column('place', sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column('pulls', 'place')
