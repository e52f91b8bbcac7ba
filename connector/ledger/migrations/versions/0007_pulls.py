"""What is pulled, and how far.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('pulls',
    sa.Column('inbound_id', sa.String(length=32), nullable=False),
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('import_id', sa.String(length=32), nullable=True),
    sa.Column('cursor', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('is_whole', sa.Boolean(), nullable=False),
    sa.Column('since', sa.BigInteger(), nullable=True),
    sa.Column('pages', sa.Integer(), nullable=False),
    sa.Column('records', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=True),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('began_at', sa.BigInteger(), nullable=True),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.Column('caught_up_at', sa.BigInteger(), nullable=True),
    sa.Column('due_at', sa.BigInteger(), nullable=True),
    sa.Column('holder', sa.String(length=64), nullable=True),
    sa.Column('until', sa.BigInteger(), nullable=True),
    sa.Column('token', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['inbound_id'], ['inbounds.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('inbound_id')
    )
    op.create_index('ix_pulls_connection_id', 'pulls', ['connection_id'], unique=False)
    op.create_index('ix_pulls_due_at', 'pulls', ['due_at'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_pulls_due_at', table_name='pulls')
    op.drop_index('ix_pulls_connection_id', table_name='pulls')
    op.drop_table('pulls')
