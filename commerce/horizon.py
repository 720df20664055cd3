"""Up to which moment every change is to be seen, for those who follow changes by the time of writing.

A row is stamped when it is written and seen when its transaction has committed, so a later stamp can be seen
before an earlier one. What is stamped before the oldest transaction that still writes began is all there.
"""

from datetime import datetime

from django.db import connection

# Whoever writes has the number of its transaction before it reads the clock for a stamp (catalog 0010), and
# is listed with it until its rows are to be seen. statement_timestamp() is before the list is read. What we
# write ourselves we always see.
_HORIZON = """
    SELECT least(statement_timestamp(), min(xact_start)) FROM pg_stat_activity
     WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
       AND backend_type = 'client backend'
"""


def moment() -> datetime:
    """Return the moment before which nothing can be stamped any more that is not seen from now on.

    To be asked for before the rows, in another statement. All our processes have one role there; who
    writes there under another one is not listed to it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HORIZON)
        found: datetime = cursor.fetchone()[0]
        return found
