#!/bin/sh
# Asks the platform for one space.
#
#   spaces.sh check     whether the platform answers and takes our credential
#   spaces.sh apply     makes the space SPACE_ID be as WANTED says, and tells the outcome in the file RESULT
#   spaces.sh remove    removes the space SPACE_ID, if it belongs to the tenant TENANT_UUID
#
# SPACES_URL and SPACES_TOKEN name the platform and the credential. With MESHSTACK_ENDPOINT and MESHSTACK_API_TOKEN, which
# Stoa gives to every run of a version with permissions, the quotas of the tenant become the limits of the space.
# Repeating any of it is harmless; nothing is written that is already so. Tokens are in no process list and no log.
set -eu
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# request TOKEN ACCEPT METHOD URL [FILE] : leaves status and answer; tries again when the other side has trouble.
request() {
  status=$(printf 'Authorization: Bearer %s\n' "$1" |
    curl --silent --show-error --max-time 20 --retry 3 --retry-connrefused --request "$3" \
      --header @- --header "Accept: $2" --header 'Content-Type: application/json' ${5:+--data-binary "@$5"} \
      --output "$work/answer" --write-out '%{http_code}' "$4" 2>"$work/trouble") || status=000
}

# said : what the other side answered, in one line.
said() {
  if [ "$status" = 000 ]; then
    tail -n 1 "$work/trouble"
  else
    jq -r '.message // empty' "$work/answer" 2>/dev/null | head -c 500
  fi
}

# spaces METHOD PATH [FILE] : the platform's API; fails in words that a person can use.
spaces() {
  request "$SPACES_TOKEN" application/json "$1" "$SPACES_URL/api$2" "${3-}"
  case $status in
    2??) ;;
    404) [ "$1" != PUT ] || fail "Spaces does not know $2" ;;
    000) fail "Spaces does not answer at $SPACES_URL: $(said)" ;;
    401 | 403) fail "Spaces at $SPACES_URL does not accept the credential of this connector ($(said)); the platform team has to renew SPACES_TOKEN" ;;
    *) fail "Spaces refused $1 $2 with status $status: $(said)" ;;
  esac
}

# differs FILE : whether the answer is something else than the file.
differs() {
  ! jq --exit-status --slurp '.[0] == .[1]' "$work/answer" "$1" >/dev/null
}

check() {
  spaces GET /account
  echo "Spaces answers at $SPACES_URL and takes our credential"
}

apply() {
  printf '%s' "$WANTED" >"$work/wanted"

  jq .space "$work/wanted" >"$work/space"
  spaces GET "/spaces/$SPACE_ID"
  if [ "$status" = 404 ]; then
    echo "Making the space $SPACE_ID"
    spaces PUT "/spaces/$SPACE_ID" "$work/space"
  else
    owner=$(jq -r '.owner.tenant // empty' "$work/answer")
    [ "$owner" = "$TENANT_UUID" ] || fail "There is already a space $SPACE_ID on the platform, and it belongs to somebody else"
    jq '{displayName, size, shelf, owner}' "$work/answer" >"$work/now"
    mv "$work/now" "$work/answer"
    if differs "$work/space"; then
      echo "Changing the space $SPACE_ID"
      spaces PUT "/spaces/$SPACE_ID" "$work/space"
    fi
  fi

  # Whom the platform does not know yet waits outside; the next run looks again.
  query=$(jq -r '[.members[].account | "account=" + @uri] | join("&")' "$work/wanted")
  echo '[]' >"$work/answer"
  [ -z "$query" ] || spaces GET "/people?$query"
  cp "$work/answer" "$work/known"
  jq --slurpfile known "$work/known" '[.members[] | select(.account | IN($known[0][]))] | sort_by(.account)' \
    "$work/wanted" >"$work/members"
  spaces GET "/spaces/$SPACE_ID/members"
  if differs "$work/members"; then
    echo "Writing the list of members: $(jq -r 'map(.account) | join(", ") | if . == "" then "nobody" else . end' "$work/members")"
    spaces PUT "/spaces/$SPACE_ID/members" "$work/members"
  fi

  if [ -n "${MESHSTACK_API_TOKEN:-}" ]; then
    request "$MESHSTACK_API_TOKEN" application/vnd.meshcloud.api.meshtenant.v4.hal+json \
      GET "$MESHSTACK_ENDPOINT/api/meshobjects/meshtenants/$TENANT_UUID"
    [ "$status" = 200 ] || fail "The quotas of the tenant cannot be read, status $status: $(said)"
    jq '.status.appliedQuotas | map_values(.value)' "$work/answer" >"$work/limits"
    spaces GET "/spaces/$SPACE_ID/limits"
    if differs "$work/limits"; then
      echo "Writing the limits: $(jq -c . "$work/limits")"
      spaces PUT "/spaces/$SPACE_ID/limits" "$work/limits"
    fi
  else
    echo "No token of Stoa was given to this run, so limits stay as they are"
  fi

  spaces GET "/spaces/$SPACE_ID"
  jq --slurpfile wanted "$work/wanted" --slurpfile known "$work/known" \
    '. + {unmapped: $wanted[0].unmapped, strangers: ([$wanted[0].members[].account] - $known[0])}' \
    "$work/answer" >"$RESULT"
  jq -r '.strangers[] | "\(.) has no account on the platform yet, and no access"' "$RESULT"
  jq -r '.unmapped[] | "\(.account) has roles that give no access here: \(.roles | join(", "))"' "$RESULT"
  echo "The space $SPACE_ID is as wanted"
}

remove() {
  spaces GET "/spaces/$SPACE_ID"
  if [ "$status" = 404 ]; then
    echo "There is no space $SPACE_ID to remove"
  elif [ "$(jq -r '.owner.tenant // empty' "$work/answer")" != "$TENANT_UUID" ]; then
    echo "The space $SPACE_ID belongs to somebody else and stays"
  else
    spaces DELETE "/spaces/$SPACE_ID"
    echo "The space $SPACE_ID is gone"
  fi
}

case ${1-} in
  check | apply | remove) "$1" ;;
  *) fail "usage: spaces.sh check|apply|remove" ;;
esac
