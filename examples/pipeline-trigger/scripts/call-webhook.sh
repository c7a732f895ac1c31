#!/bin/sh
# Posts webhook-request.json to WEBHOOK_URL, with WEBHOOK_SECRET as proof of who calls, and with the token for Stoa's API
# if the version has permissions. None of them, nor the run's token in the file, appears in a process list or a log.
set -eu

if [ ! -f webhook-request.json ]; then
  echo "There is no request of this run: the definition version must say \`async: true\`" >&2
  exit 1
fi
trap 'rm -f webhook-request.json webhook-answer.txt' EXIT

echo "Calling $WEBHOOK_URL"
if printf 'X-Webhook-Secret: %s\nX-Meshstack-Endpoint: %s\nX-Meshstack-Api-Token: %s\n' \
  "${WEBHOOK_SECRET:-}" "${MESHSTACK_ENDPOINT:-}" "${MESHSTACK_API_TOKEN:-}" |
  curl --silent --show-error --fail-with-body --max-time 20 --retry 3 --retry-connrefused \
    --request POST --header 'Content-Type: application/json' --header @- \
    --data-binary @webhook-request.json --output webhook-answer.txt "$WEBHOOK_URL"; then
  echo "The pipeline took over: $(cat webhook-answer.txt)"
else
  echo "The pipeline did not accept the call: $(cat webhook-answer.txt 2>/dev/null || true)" >&2
  exit 1
fi
