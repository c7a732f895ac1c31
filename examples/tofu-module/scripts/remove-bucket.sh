#!/bin/sh
# Removes the folder, and only a folder that this building block made.
set -eu

if [ ! -e "$BUCKET_PATH" ]; then
  echo "Nothing left to remove at $BUCKET_PATH"
  exit 0
fi
if [ "$(cat "$BUCKET_PATH/.block" 2>/dev/null)" != "$BUCKET_BLOCK" ]; then
  echo "$BUCKET_PATH belongs to another building block and stays" >&2
  exit 1
fi

echo "Emptying the bucket"
sleep 0.4
rm -rf "$BUCKET_PATH"
echo "Bucket is gone"
