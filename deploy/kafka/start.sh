#!/bin/bash
# Format the data directory at the first start, then run the broker. KAFKA_HOME and the settings file may be overridden.
set -euo pipefail
home=${KAFKA_HOME:-/opt/kafka}
settings=${KAFKA_SETTINGS:-/etc/laurel/server.properties}
"$home/bin/kafka-storage.sh" format --ignore-formatted --cluster-id "$KAFKA_CLUSTER_ID" --config "$settings"
exec "$home/bin/kafka-server-start.sh" "$settings"
