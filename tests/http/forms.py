# SPDX-License-Identifier: MIT
"""response_format and tool_choice: answers that keep to a form, calls as OpenAI's and Ollama's clients read them, streamed and not; calls in a model's own words."""
import json
import re
import sys
import tempfile

from serving import MODEL, Server, check, events, failed, lines_of

PROGRAM = sys.argv[1]
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 3, "maximum": 40}, "b": {"enum": ["x", "y"]}}, "required": ["a", "b"], "additionalProperties": False}
TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": {
        "type": "object", "properties": {"days": {"$ref": "#/$defs/days"}, "unit": {"enum": ["C", "F"]}}, "required": ["days", "unit"],
        "additionalProperties": False, "$defs": {"days": {"type": "integer", "minimum": 1, "maximum": 9}}}}},
    {"type": "function", "function": {"name": "now"}},
]
NAMED = {"type": "function", "function": {"name": "weather"}}
CHAT = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 90, "iterations": 4, "seed": 2, "window": 128}


def fits(value):
    return set(value) == {"a", "b"} and 3 <= value["a"] <= 40 and value["b"] in "xy"


def is_weather(arguments):
    value = json.loads(arguments) if isinstance(arguments, str) else arguments
    return set(value) == {"days", "unit"} and 1 <= value["days"] <= 9 and value["unit"] in "CF"


def joined(text):
    """The message and the reason of the end that a stream's deltas come to."""
    lines = events(text)
    check("the stream's end", "[DONE]", lines[-1])
    message, finish, calls = "", None, []
    for line in lines[:-1]:
        for choice in json.loads(line)["choices"]:
            message += choice["delta"].get("content") or ""
            finish = choice["finish_reason"] or finish
            for call in choice["delta"].get("tool_calls", []):
                if "id" in call:
                    check("calls come one after the other", len(calls), call["index"])
                    calls.append({"id": call["id"], "name": call["function"]["name"], "arguments": ""})
                calls[call["index"]]["arguments"] += call["function"]["arguments"]
    return message, finish, calls


def formats(server):
    strict = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": SCHEMA}}
    for body in CHAT, {**{key: value for key, value in CHAT.items() if key != "iterations"}, "sampler": "ar"}:
        status, _, answer = server.ask("/v1/chat/completions", {**body, "response_format": strict})
        check("a schema", 200, status)
        content = answer["choices"][0]["message"]["content"]
        check("keeps to it", True, fits(json.loads(content)))
        check("and stops", "stop", answer["choices"][0]["finish_reason"])
        status, _, text = server.ask("/v1/chat/completions", {**body, "response_format": strict, "stream": True})
        check("streamed, the same", (content, "stop", []), joined(text))
        status, _, answer = server.ask("/v1/chat/completions", {**body, "response_format": {"type": "json_object"}, "n": 2})
        check("objects", [True, True], [isinstance(json.loads(c["message"]["content"]), dict) for c in answer["choices"]])
        for beside in {"type": "json_object", "schema": SCHEMA}, {"type": "json_schema", "schema": SCHEMA}:
            status, _, answer = server.ask("/v1/chat/completions", {**body, "response_format": beside})
            check(f"a schema beside {beside['type']}", True, status == 200 and fits(json.loads(answer["choices"][0]["message"]["content"])))
    tight = server.ask("/v1/chat/completions", {**CHAT, "grammar": "regex:[0-9]{6}", "max_tokens": 6})[2]["choices"][0]
    check("a text that fills its room is whole", (6, "stop"), (len(tight["message"]["content"]), tight["finish_reason"]))
    status, _, _ = server.ask("/v1/chat/completions", {**CHAT, "grammar": "regex:[0-9]{6}", "max_tokens": 10**9})
    check("more tokens than any model has", 200, status)
    status, _, text = server.ask("/v1/chat/completions", {**CHAT, "response_format": {"type": "text"}})
    check("text", 200, status)
    status, _, answer = server.ask("/api/chat", {"messages": CHAT["messages"], "format": SCHEMA, "stream": False, "options": {"num_ctx": 99999}})
    check("Ollama's format", True, fits(json.loads(answer["message"]["content"])))
    status, _, answer = server.ask("/v1/responses", {"input": "Hi", "window": 128, "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}})
    check("a response's format", True, fits(json.loads(answer["output"][0]["content"][0]["text"])))
    last = json.loads(events(server.ask("/api/denoise", {"prompt": "Hi", "tokens": 30, "grammar": "regex:[a-f]{3} [0-9]{2}"})[2])[-1])
    check("grammar", (3, " "), (last["text"].index(" "), last["text"][3]))


def calls(server):
    for choice, names in ("required", ("weather", "now")), (NAMED, ("weather",)):
        for sampler in {}, {"sampler": "threshold"}, {"sampler": "ar"}:
            body = {**CHAT, **sampler, "tools": TOOLS, "tool_choice": choice}
            if sampler:
                del body["iterations"]
            status, headers, answer = server.ask("/v1/chat/completions", body)
            check("a call", 200, status)
            message, finish = answer["choices"][0]["message"], answer["choices"][0]["finish_reason"]
            check("alone", (None, "tool_calls", 1), (message["content"], finish, len(message["tool_calls"])))
            call = message["tool_calls"][0]
            check("of a tool", (True, "function", True), (call["function"]["name"] in names, call["type"], call["id"].startswith("call_")))
            if call["function"]["name"] == "weather":
                check("by its schema", True, is_weather(call["function"]["arguments"]))
            else:
                check("of nothing", "{}", call["function"]["arguments"])
            check("no warning of tools", None, headers.get("X-Redraft-Warning") if "tools" in headers.get("X-Redraft-Warning", "") else None)
            stream = server.ask("/v1/chat/completions", {**body, "stream": True})[2]
            text, finish, made = joined(stream)
            if sampler.get("sampler") == "ar" and call["function"]["name"] == "weather":
                check("arguments come as they are written", True, stream.count('"tool_calls":[{"index":0,"function"') > 2)
            check("streamed", ("", "tool_calls", [call["function"]["name"]], [call["function"]["arguments"]]),
                  (text, finish, [c["name"] for c in made], [c["arguments"] for c in made]))
    status, _, answer = server.ask("/api/chat", {"messages": CHAT["messages"], "tools": TOOLS, "tool_choice": NAMED, "stream": False, "window": 128})
    check("Ollama's call", ("weather", True), (answer["message"]["tool_calls"][0]["function"]["name"], is_weather(answer["message"]["tool_calls"][0]["function"]["arguments"])))
    lines = lines_of(server.ask("/api/chat", {"messages": CHAT["messages"], "tools": TOOLS, "tool_choice": NAMED, "window": 128})[2])
    check("and in its stream", "weather", json.loads(lines[-1])["message"]["tool_calls"][0]["function"]["name"])
    flat = [{"type": "function", **tool["function"]} for tool in TOOLS]
    body = {"input": "Hi", "tools": flat, "tool_choice": {"type": "function", "name": "weather"}, "window": 128}
    status, _, answer = server.ask("/v1/responses", body)
    check("a response's call", ("function_call", "weather", True, "completed"),
          (answer["output"][0]["type"], answer["output"][0]["name"], is_weather(answer["output"][0]["arguments"]), answer["status"]))
    made = [json.loads(line) for line in events(server.ask("/v1/responses", {**body, "stream": True})[2])]
    check("its stream", ["created", "in_progress", "output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done", "completed"],
          [event["type"].removeprefix("response.") for event in made])
    check("numbers", list(range(len(made))), [event["sequence_number"] for event in made])
    check("ends as the whole", [item["type"] for item in answer["output"]], [item["type"] for item in made[-1]["response"]["output"]])
    for word in "none", "auto":
        answer = server.ask("/v1/chat/completions", {**CHAT, "tools": TOOLS, "tool_choice": word})[2]
        check(f"{word} is prose", (False, True), ("tool_calls" in answer["choices"][0]["message"], isinstance(answer["choices"][0]["message"]["content"], str)))


def refused(server):
    schema = lambda s: {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": s}}}
    deep = {}
    for _ in range(80):
        deep = {"items": deep}
    rows = (
        ("no type", "an object with a type", {"response_format": {}}),
        ("an unknown type", "response_format: unknown type xml", {"response_format": {"type": "xml"}}),
        ("no schema", "an object with a schema", {"response_format": {"type": "json_schema"}}),
        ("a schema's mistake has its place", "schema: at #/properties/a: unknown type strin", schema({"properties": {"a": {"type": "strin"}}})),
        ("a keyword that is not here", "at #: $dynamicRef is not supported", schema({"$dynamicRef": "#a"})),
        ("an impossible one", "no number lies between 3 and 2", schema({"type": "integer", "minimum": 3, "maximum": 2})),
        ("a circle", "no text has this form", schema({"$ref": "#"})),
        ("a catastrophic pattern", "too large", schema({"pattern": "^(a|b)*a(a|b){60}$"})),
        ("an expression's mistake", "pattern: at 1", schema({"pattern": "a)"})),
        ("nested too deep", "nested deeper", schema(deep)),
        ("too little room", "at least 40", {"grammar": "regex:[0-9]{40}", "max_tokens": 8}),
        ("two forms", "an answer has one form", {**schema(SCHEMA), "grammar": "regex:a"}),
        ("a choice of nothing", "tool_choice: there are no tools", {"tool_choice": "required"}),
        ("a tool that is not there", "no function wether", {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "wether"}}}),
        ("another choice", "tool_choice: expected", {"tools": TOOLS, "tool_choice": "maybe"}),
        ("a file of the server's", "not valid JSON", {"grammar": "json-schema:/etc/passwd"}),
    )
    for what, words, more in rows:
        for stream in False, True:
            status, _, answer = server.ask("/v1/chat/completions", {**CHAT, **more, "stream": stream})
            check(what, (400, True), (status, words in json.dumps(answer)))
    large = schema({"enum": [f"value number {i}" for i in range(400000)]})
    status, _, answer = server.ask("/v1/chat/completions", {**CHAT, **large})
    check("ten megabytes", (400, True), (status, "too large" in json.dumps(answer)))


def own_words():
    """A model that has learnt to call writes so: here a grammar makes it."""
    with open(f"{MODEL}/tokenizer_config.json") as f:
        check("the model's template knows no tools", False, "tools" in json.load(f).get("chat_template", ""))
    call = '<tool_call>{"name": "now", "arguments": {"zone": 1.5}}</tool_call>'
    rows = (
        (f"well: {call}", "well:", [("now", '{"zone":1.5}')]),
        (call + call, None, [("now", '{"zone":1.5}')] * 2),
        ('{"name": "now", "parameters": {}}', None, [("now", "{}")]),
        ('[TOOL_CALLS][{"name": "now", "arguments": {}}, {"name": "weather", "arguments": "x"}]', None, [("now", "{}"), ("weather", "x")]),
        ('{"name": "then", "arguments": {}}', '{"name": "then", "arguments": {}}', []),
        ("now", "now", []),
    )
    template = "{{ messages[0].content }}{% if tools %} {{ tools | length }}{% endif %}"
    with tempfile.NamedTemporaryFile("w", suffix=".jinja") as f:
        f.write(template)
        f.flush()
        with Server(PROGRAM, "--threads", "1", "--chat-template", f.name) as server:
            for said, content, wanted in rows:
                literal = re.sub(r"[][{}().|*+?^$\\]", r"\\\g<0>", said)
                body = {**CHAT, "tools": TOOLS, "grammar": f"regex:{literal}", "max_tokens": 180, "window": 256}
                status, _, answer = server.ask("/v1/chat/completions", body)
                check(f"{said}: status", 200, status)
                message = answer["choices"][0]["message"]
                found = [(c["function"]["name"], c["function"]["arguments"]) for c in message.get("tool_calls", [])]
                check(said, (content, wanted, "tool_calls" if wanted else True),
                      (message["content"], found, answer["choices"][0]["finish_reason"] if wanted else True))
                text, _, made = joined(server.ask("/v1/chat/completions", {**body, "stream": True})[2])
                check(f"{said}, streamed", (content or "", wanted), (text, [(c["name"], c["arguments"]) for c in made]))


with Server(PROGRAM, "--threads", "1", "--mask-token", "!", "--max-body", "20000000") as server:
    formats(server)
    calls(server)
    refused(server)
own_words()
sys.exit(1 if failed else 0)
