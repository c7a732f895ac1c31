#!/bin/sh
# Says what a real service would do, taking a little time for it.
set -eu

case $1 in
  create) steps="Reserving the name $NAME|Allocating storage|Starting $SERVICE|Waiting until it answers" ;;
  configure) steps="Writing settings: $SETTINGS|Settings are in force" ;;
  remove) steps="Taking a last backup|Stopping $SERVICE|Releasing the name $NAME" ;;
  *) echo "usage: work.sh create|configure|remove" >&2; exit 64 ;;
esac

IFS='|'
for step in $steps; do
  echo "$step"
  sleep "${PACE:-0.1}"
done
