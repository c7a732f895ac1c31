#!/bin/sh
# Creates the folder in a few visible steps, as a slow cloud would.
set -eu

if [ -e "$BUCKET_PATH" ] && [ "$(cat "$BUCKET_PATH/.block" 2>/dev/null)" != "$BUCKET_BLOCK" ]; then
  echo "There is already a bucket at $BUCKET_PATH that belongs to somebody else" >&2
  exit 1
fi

echo "Reserving the name"
sleep 0.4
mkdir -p "$BUCKET_PATH/objects"
printf '%s' "$BUCKET_BLOCK" >"$BUCKET_PATH/.block"
for step in "Allocating storage" "Creating access rules" "Waiting until the bucket answers"; do
  echo "$step"
  sleep 0.4
done
echo "Bucket is ready at $BUCKET_PATH"
