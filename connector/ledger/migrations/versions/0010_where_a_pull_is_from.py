"""Where what was pulled is from: elsewhere, a pull begins anew.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('pulls', sa.Column('place', sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column('pulls', 'place')
