#!/bin/bash
# Run once by the image, on an empty data directory, as the superuser.
set -euo pipefail
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set owner_password="$(cat /run/secrets/owner_password)" --set database="$POSTGRES_DB" \
    --file /etc/laurel/roles.sql
