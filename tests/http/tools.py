# SPDX-License-Identifier: MIT
"""What /v1/chat/completions and /api/denoise make of tools, calls and their results: the prompt is what Python's Jinja renders (tests/golden/templates)."""
import json
import os
import subprocess
import sys
import tempfile
import zipfile

from serving import Server, check, events, failed, roomy

PROGRAM = sys.argv[1]
TEMPLATES = "tests/golden/templates"
CONVERSATIONS = {row["name"]: row for row in json.load(open(f"{TEMPLATES}/conversations.json", encoding="utf-8"))}


def as_text(messages):
    """Arguments of calls as OpenAI's clients send them."""
    messages = json.loads(json.dumps(messages))
    for message in messages:
        for call in message.get("tool_calls") or []:
            call["function"]["arguments"] = json.dumps(call["function"]["arguments"])
    return messages


def prompt(server, model, body):
    """The text of the prompt that a request comes to."""
    status, _, answer = server.ask("/api/denoise", {**body, "iterations": 1, "window": 2048})
    if status != 200:
        return answer
    start = json.loads(events(answer)[0])
    ids = " ".join(map(str, start["prompt_ids"]))
    return subprocess.run([PROGRAM, "tokenize", "-m", model, "--decode"], input=ids, capture_output=True, text=True, check=True).stdout


def with_template(folder, template, named=None):
    model = roomy(folder)
    path = f"{model}/tokenizer_config.json"
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    config["chat_template"] = named or template
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f)
    if os.path.exists(f"{model}/chat_template.jinja"):
        os.remove(f"{model}/chat_template.jinja")
    return model


def rendered():
    for name in "Qwen-Qwen2.5-7B-Instruct", "Qwen-Qwen3-0.6B":
        with open(f"{TEMPLATES}/{name}.jinja", encoding="utf-8") as f:
            template = f.read()
        with zipfile.ZipFile(f"{TEMPLATES}_rendered.zip") as archive:
            results = json.loads(archive.read(f"{name}.json"))["results"]
        with tempfile.TemporaryDirectory() as folder:
            model = with_template(folder, template)
            with Server(PROGRAM, "--threads", "1", model=model) as server:
                for talk in "hello-tools", "system-tools", "two_turns-tools", "tool_call", "tool_call-tools":
                    row = CONVERSATIONS[talk]
                    tools = {"tools": row["tools"]} if "tools" in row else {}
                    check(f"{name}: {talk}", results[talk], prompt(server, model, {"messages": row["messages"], **tools}))
                    check(f"{name}: {talk}, arguments as text", results[talk],
                          prompt(server, model, {"messages": as_text(row["messages"]), **tools}))
                silent = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "tool_calls": [
                    {"id": "1", "type": "function", "function": {"name": "now", "arguments": ""}}]}, {"role": "tool", "tool_call_id": "1", "content": "noon"}]
                check(f"{name}: a call alone", True, '{"name": "now", "arguments": {}}' in prompt(server, model, {"messages": silent}))
                check(f"{name}: chat", 200, server.ask("/v1/chat/completions", {
                    "messages": CONVERSATIONS["hello"]["messages"], "tools": CONVERSATIONS["hello-tools"]["tools"], "max_tokens": 4, "iterations": 1, "window": 2048})[0])


def refused():
    hello = {"messages": CONVERSATIONS["hello"]["messages"], "max_tokens": 4, "iterations": 1}
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "now", "arguments": "{"}}]}
    rows = (
        ("tools that are no list", 400, "tools: expected a list", {**hello, "tools": {}}),
        ("a tool without a name", 400, "tools: number 0 names no function", {**hello, "tools": [{"type": "function"}]}),
        ("calls that are no list", 400, "tool_calls: expected a list", {**hello, "messages": [{"role": "assistant", "content": "a", "tool_calls": 3}]}),
        ("a call of nothing", 400, "number 0 names no function", {**hello, "messages": [{"role": "assistant", "tool_calls": [{}]}]}),
        ("arguments that are no JSON", 400, "arguments: not valid JSON", {**hello, "messages": [call]}),
        ("no tools at all", 200, "", {**hello, "tools": []}),
    )
    tools = [{"type": "function", "function": {"name": "now"}}]
    with tempfile.TemporaryDirectory() as folder:
        named = [{"name": "default", "template": "plain{{ messages[0].content }}"}, {"name": "tool_use", "template": "{{ tools | length }} tools{{ messages[0].content }}"}]
        model = with_template(folder, None, named)
        with Server(PROGRAM, "--threads", "1", model=model) as server:
            for what, status, words, body in rows:
                found, _, answer = server.ask("/v1/chat/completions", body)
                check(what, (status, True), (found, words in json.dumps(answer)))
            check("without tools: default", "plainHello!", prompt(server, model, hello))
            check("with tools: tool_use", "1 toolsHello!", prompt(server, model, {**hello, "tools": tools}))
    with tempfile.TemporaryDirectory() as folder:
        model = with_template(folder, "only {{ messages[0].content }}")
        with Server(PROGRAM, "--threads", "1", model=model) as server:
            status, headers, _ = server.ask("/v1/chat/completions", {**hello, "tools": tools})
            check("a template without tools says so", (200, True), (status, "tools" in str(headers)))
            check("and is rendered all the same", "only Hello!", prompt(server, model, {**hello, "tools": tools}))


def older():
    """A call and its result as OpenAI's older clients write them."""
    call, result = {"name": "now", "arguments": '{"zone": "UTC"}'}, {"role": "function", "name": "now", "content": "noon"}
    hi = {"role": "user", "content": "Hi"}
    template = "{% for m in messages %}{{ m.role }}{% for c in m.tool_calls or [] %}[{{ c.function.name }} {{ c.function.arguments.zone }}]{% endfor %}{{ m.content }}{% endfor %}"
    with tempfile.TemporaryDirectory() as folder:
        model = with_template(folder, template)
        with Server(PROGRAM, "--threads", "1", model=model) as server:
            talk = [hi, {"role": "assistant", "content": None, "function_call": call}, result]
            check("function_call", "userHiassistant[now UTC]toolnoon", prompt(server, model, {"messages": talk}))


def whole_calls():
    """What ends an answer does not cut a call that is demanded."""
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"]}}}]
    body = {"messages": [{"role": "user", "content": "Hi"}], "tools": tools, "tool_choice": "required", "seed": 1, "iterations": 4}
    with Server(PROGRAM, "--threads", "1", model="models/tini") as server:
        wanted = server.ask("/v1/chat/completions", body)[2]["choices"][0]["message"]["tool_calls"][0]["function"]
        for stop in "city", "}", "get_weather":
            choice = server.ask("/v1/chat/completions", {**body, "stop": [stop]})[2]["choices"][0]
            check(f"a call beside stop {stop}", ("tool_calls", wanted), (choice["finish_reason"], choice["message"]["tool_calls"][0]["function"]))
            answer = server.ask("/v1/chat/completions", {**body, "stop": [stop], "stream": True})[2]
            parts = [json.loads(line)["choices"][0]["delta"] for line in events(answer) if line != "[DONE]"]
            found = "".join(c["function"].get("arguments", "") for part in parts for c in part.get("tool_calls", []))
            check(f"streamed beside stop {stop}", (wanted["arguments"], ""), (found, "".join(part.get("content") or "" for part in parts)))


def roles():
    """Roles beyond those of every conversation: such as the template has as a word."""
    template = "{% for m in messages %}{{ '<|user|>' if m.role == 'environment' else \"<|ipython|>\" if m['role'] == \"ipython\" else m.role }}{{ m.content }}{% endfor %} 'a b' 'note\""
    with tempfile.TemporaryDirectory() as folder:
        model = with_template(folder, template)
        with Server(PROGRAM, "--threads", "1", model=model) as server:
            for role, shown in ("environment", "<|user|>"), ("ipython", "<|ipython|>"), ("developer", "system"), ("function", "tool"):
                check(f"role {role}", f"{shown}Hi", prompt(server, model, {"messages": [{"role": role, "content": "Hi"}]})[:len(shown) + 2])
            for role in "a b", "note", "ipytho", "messages", "Environment":
                check(f"role {role}", True, f"unknown role {role};" in json.dumps(prompt(server, model, {"messages": [{"role": role, "content": "Hi"}]})))
        with open(f"{folder}/chosen.jinja", "w", encoding="utf-8") as f:
            f.write("{% for m in messages %}{{ '1' if m.role == 'critic' else '0' }}{{ m.content }}{% endfor %}")
        with Server(PROGRAM, "--threads", "1", "--chat-template", f"{folder}/chosen.jinja", model=model) as server:
            check("a template that was chosen", "1Hi", prompt(server, model, {"messages": [{"role": "critic", "content": "Hi"}]}))
            check("the model's own does not count beside it", True, "unknown role ipython" in json.dumps(prompt(server, model, {"messages": [{"role": "ipython", "content": "Hi"}]})))


rendered()
refused()
roles()
older()
whole_calls()
sys.exit(1 if failed else 0)
