#!/bin/sh
# Writes the bucket's settings; repeating it changes nothing.
set -eu

echo "Writing settings"
printf '%s\n' "$BUCKET_SETTINGS" >"$BUCKET_PATH/settings.json"
sleep 0.3
echo "Settings are in force"
