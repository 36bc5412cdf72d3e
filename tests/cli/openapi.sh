#!/bin/bash
# The interface as a document: doc/SERVE.md has its tables, OpenAPI's own checker takes it; with the long cases schemathesis asks all of it.
program=$1
folder=${REDRAFT_CLIENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/redraft/clients}
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
. tests/expect.bash
python3 tools/serve_tables.py "$program" --check || failed=1
"$program" help --openapi >"$work/api.json"; check "help --openapi" 0 $?
refuses "two forms at a time" 2 "at a time" help --openapi --man
if [ -x "$folder/bin/python" ]; then
  "$folder/bin/python" -c "import json, sys; from openapi_spec_validator import validate; validate(json.load(open(sys.argv[1])))" "$work/api.json"
  check "openapi-spec-validator" 0 $?
else
  echo "openapi-spec-validator not run: tools/judges/clients.sh installs it"
fi
[ "$RD_TEST_ALL" ] || exit $failed
[ -x "$folder/bin/schemathesis" ] || { echo "schemathesis not run: tools/judges/clients.sh installs it"; exit $failed; }
serving "$work/out" "$program" serve -m tests/golden/models/llama-mha --port 0 --threads 1 --tokens 4 --iterations 2 -q 2>"$work/log"
# No answer is a failure of the server's, and each has a status, a media type and a shape that the document names.
(cd "$work" && "$folder/bin/schemathesis" run "${url}openapi.json" --max-examples 30 --seed 1 --no-color --request-timeout 60 \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance) >"$work/report" 2>&1
check "schemathesis" 0 $?
[ $failed == 0 ] || tail -60 "$work/report"
kill -TERM "$server"; wait "$server"; check "the server ends well" 0 $?
exit $failed
