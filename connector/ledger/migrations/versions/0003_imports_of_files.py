"""imports of files: what is kept of them, and how far they may go"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('imports', sa.Column('touched_at', sa.BigInteger(), nullable=True))
    op.add_column('imports', sa.Column('held_from', sa.Integer(), nullable=True))
    op.add_column('imports', sa.Column('cancelled_at', sa.BigInteger(), nullable=True))
    op.add_column('imports', sa.Column('file', sa.String(length=64), nullable=True))
    op.add_column('imports', sa.Column('file_name', sa.Text(), nullable=True))
    op.add_column('imports', sa.Column('reading', sa.JSON(none_as_null=True), nullable=True))
    op.add_column('imports', sa.Column('fingerprint', sa.String(length=64), nullable=True))
    op.create_index('ix_imports_file', 'imports', ['file'], unique=False)
    op.create_index('uq_imports_fingerprint', 'imports', ['connection_id', 'fingerprint'], unique=True)
    op.create_table('file_parts',
    sa.Column('connection_id', sa.String(length=64), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('part', sa.Integer(), nullable=False),
    sa.Column('bytes', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('connection_id', 'hash', 'part')
    )


def downgrade() -> None:
    op.drop_table('file_parts')
    op.drop_index('uq_imports_fingerprint', table_name='imports')
    op.drop_index('ix_imports_file', table_name='imports')
    for name in ('fingerprint', 'reading', 'file_name', 'file', 'cancelled_at', 'held_from', 'touched_at'):
        op.drop_column('imports', name)
