# SPDX-License-Identifier: MIT
"""Client libraries, unmodified, have a conversation with the built-in model: whole and streamed, and what else each of them can ask for.
Run by the Python of tools/judges/clients.sh: clients.py PROGRAM [NAME..]. One line each, with the version."""
import asyncio
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile

from client_forms import FORMS
from serving import Server

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it would fetch prices
PROGRAM = sys.argv[1]
QUESTION = "What is the capital of France?"
ANSWER = "The capital of France is Paris"
TOOLS = [{"type": "function", "function": {"name": "weather", "description": "the weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "maxLength": 20}}, "required": ["city"]}}}]
MESSAGES = [{"role": "user", "content": QUESTION}]
failed = 0


def check(what, condition, found=None):
    global failed
    if not condition:
        failed = 1
        print(f"FAILED {what}: {found!r}")


def paris(what, text):
    check(what, ANSWER in (text or ""), text)


def use_openai(url, server):
    from openai import BadRequestError, NotFoundError, OpenAI
    client = OpenAI(base_url=url + "v1", api_key="any", max_retries=0)
    check("models", [m.id for m in client.models.list()] == ["tini"])
    check("one model", client.models.retrieve("tini").id == "tini")
    try:
        client.models.retrieve("gpt-9")
        check("no such model", False)
    except NotFoundError as e:
        check("no such model", e.code == "model_not_found", e.code)
    chat = client.chat.completions
    paris("chat", chat.create(model="tini", messages=MESSAGES).choices[0].message.content)
    stream = chat.create(model="tini", messages=MESSAGES, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    paris("chat stream", "".join(c.choices[0].delta.content or "" for c in chunks if c.choices))
    check("usage", chunks[-1].usage.total_tokens > 0)
    several = chat.create(model="tini", messages=MESSAGES, n=2, logprobs=True, top_logprobs=2, max_completion_tokens=30)
    check("two answers", [c.index for c in several.choices] == [0, 1])
    check("log-probabilities", several.choices[0].logprobs.content[0].top_logprobs[0].logprob <= 0)
    history = [*MESSAGES, {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
               {"role": "tool", "tool_call_id": "a", "content": "Paris"}]
    check("a tool's result", chat.create(model="tini", messages=history).choices[0].message.role == "assistant")
    text = client.completions.create(model="tini", prompt=["Paris is", "Rome is"], max_tokens=4, echo=True, logprobs=1)
    check("two prompts, echoed", [c.text[:4] for c in text.choices] == ["Pari", "Rome"], text)
    check("their likelihood", text.choices[0].logprobs.token_logprobs[1] < 0)
    paris("response", client.responses.create(model="tini", input=QUESTION).output_text)
    likely = client.responses.create(model="tini", input=QUESTION, include=["message.output_text.logprobs"], top_logprobs=2).output[0].content[0].logprobs
    check("a response's log-probabilities", likely[0].logprob <= 0 and len(likely[0].top_logprobs) == 2, likely[:1])
    with client.responses.stream(model="tini", input=[{"role": "user", "content": QUESTION}]) as events:
        deltas = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        paris("response stream", deltas)
        check("response stream: the whole", events.get_final_response().output_text == deltas)
    vectors = client.embeddings.create(model="tini", input=["Paris", "Rome"]).data
    check("embeddings", abs(sum(x * x for x in vectors[0].embedding) - 1) < 1e-5)
    from pydantic import BaseModel

    class City(BaseModel):
        name: str
        big: bool
    parsed = chat.parse(model="tini", messages=MESSAGES, response_format=City).choices[0].message.parsed
    check("a form", isinstance(parsed, City), parsed)
    call = chat.create(model="tini", messages=MESSAGES, tools=TOOLS, tool_choice="required").choices[0].message.tool_calls[0]
    check("a call", call.function.name == "weather" and "city" in json.loads(call.function.arguments), call)
    made = client.responses.create(model="tini", input=QUESTION, tool_choice="required",
                                   tools=[{"type": "function", "strict": False, **TOOLS[0]["function"]}]).output[0]
    check("a response's call", made.type == "function_call" and "city" in json.loads(made.arguments), made)
    check("a response's form", isinstance(client.responses.parse(model="tini", input=QUESTION, text_format=City).output_parsed, City))
    try:
        chat.create(model="tini", messages=[{"role": "user", "content": "word " * 2000}])
        check("a long prompt", False)
    except BadRequestError as e:
        check("a long prompt", e.code == "context_length_exceeded", e.code)


def use_langchain_openai(url, server):
    from langchain_core.messages import HumanMessage
    from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
    chat = ChatOpenAI(model="tini", base_url=url + "v1", api_key="any", max_retries=0)
    paris("invoke", chat.invoke(QUESTION).content)
    paris("stream", "".join(c.content for c in chat.stream(QUESTION)))
    check("batch", [ANSWER in m.content for m in chat.batch([QUESTION, QUESTION])] == [True, True])
    logs = chat.bind(logprobs=True, top_logprobs=1).invoke(QUESTION).response_metadata["logprobs"]
    check("log-probabilities", logs["content"][0]["logprob"] <= 0, logs)
    check("n", len(ChatOpenAI(model="tini", base_url=url + "v1", api_key="any", n=2, temperature=1).generate([[HumanMessage(QUESTION)]]).generations[0]) == 2)
    responses = ChatOpenAI(model="tini", base_url=url + "v1", api_key="any", use_responses_api=True)
    paris("responses", responses.invoke(QUESTION).text)
    from pydantic import BaseModel

    class City(BaseModel):
        """A city."""
        name: str
        big: bool
    for method in "json_schema", "function_calling":
        check(method, isinstance(chat.with_structured_output(City, method=method).invoke(QUESTION), City))
    called = chat.bind_tools(TOOLS, tool_choice="required").invoke(QUESTION)
    check("a call", called.tool_calls[0]["name"] == "weather", called)
    check("completions", len(OpenAI(model="tini", base_url=url + "v1", api_key="any", max_tokens=8).generate(["Paris is", "Rome is"]).generations) == 2)
    embeddings = OpenAIEmbeddings(model="tini", base_url=url + "v1", api_key="any", check_embedding_ctx_length=False)
    check("embeddings", len(embeddings.embed_documents(["a", "b"])) == 2)


def use_litellm(url, server):
    import litellm
    litellm.telemetry = False
    to = {"model": "openai/tini", "api_base": url + "v1", "api_key": "any"}
    paris("completion", litellm.completion(messages=MESSAGES, **to).choices[0].message.content)
    paris("stream", "".join(c.choices[0].delta.content or "" for c in litellm.completion(messages=MESSAGES, stream=True, **to)))
    from pydantic import BaseModel

    class City(BaseModel):
        name: str
        big: bool
    City.model_validate_json(litellm.completion(messages=MESSAGES, response_format=City, **to).choices[0].message.content)
    call = litellm.completion(messages=MESSAGES, tools=TOOLS, tool_choice="required", **to).choices[0].message.tool_calls[0]
    check("a call", call.function.name == "weather", call)
    check("n", len(litellm.completion(messages=MESSAGES, n=2, **to).choices) == 2)
    check("text", bool(litellm.text_completion(prompt="Paris is", max_tokens=5, **{**to, "model": "text-completion-openai/tini"}).choices[0].text))
    check("embedding", len(litellm.embedding(input=["a"], **to).data[0]["embedding"]) > 100)
    paris("ollama", litellm.completion(model="ollama_chat/tini", api_base=url.rstrip("/"), messages=MESSAGES).choices[0].message.content)


def use_ollama(url, server):
    import ollama
    client = ollama.Client(host=url.rstrip("/"))
    check("list", client.list().models[0].model == "tini")
    paris("chat", client.chat(model="tini", messages=MESSAGES).message.content)
    paris("stream", "".join(c.message.content for c in client.chat(model="tini:latest", messages=MESSAGES, stream=True)))
    paris("generate", client.generate(model="tini", prompt=QUESTION, options={"num_predict": 30, "temperature": 0}).response)
    schema = {"type": "object", "properties": {"big": {"type": "boolean"}}, "required": ["big"]}
    check("a form", isinstance(json.loads(client.chat(model="tini", messages=MESSAGES, format=schema).message.content)["big"], bool))
    check("embed", len(client.embed(model="tini", input=["a", "b"]).embeddings) == 2)
    check("show", client.show("tini").capabilities == ["completion", "insert", "embedding"])
    try:
        client.chat(model="other", messages=MESSAGES)
        check("no such model", False)
    except ollama.ResponseError as e:
        check("no such model", e.status_code == 404 and "tini is" in str(e), str(e))


def use_llm(url, server):
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/extra-openai-models.yaml", "w", encoding="utf-8") as f:
            f.write(f"- model_id: here\n  model_name: tini\n  api_base: {url}v1\n- model_id: text\n  model_name: tini\n  api_base: {url}v1\n  completion: true\n")
        def run(*words):
            return subprocess.run([os.path.join(os.path.dirname(sys.executable), "llm"), *words], env={**os.environ, "LLM_USER_PATH": folder, "OPENAI_API_KEY": "any"},
                                  capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        paris("prompt", run("-m", "here", QUESTION).stdout)
        paris("without a stream", run("-m", "here", "--no-stream", "-o", "temperature", "0", QUESTION).stdout)
        check("text", len(run("-m", "text", "-o", "max_tokens", "8", "Paris is").stdout) > 1)


def use_instructor(url, server):
    import instructor
    from openai import OpenAI
    from pydantic import BaseModel

    class City(BaseModel):
        name: str
        big: bool
    for mode in instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA, instructor.Mode.TOOLS_STRICT:
        client = instructor.from_openai(OpenAI(base_url=url + "v1", api_key="any"), mode=mode)
        made = client.chat.completions.create(model="tini", messages=MESSAGES, response_model=City, max_retries=0)
        check(f"{mode}", isinstance(made, City), made)
    paris("text", client.chat.completions.create(model="tini", messages=MESSAGES, response_model=None).choices[0].message.content)


def use_asyncio(url, server):
    """Many at once, over one client."""
    from openai import AsyncOpenAI

    async def many():
        client = AsyncOpenAI(base_url=url + "v1", api_key="any")
        return await asyncio.gather(*(client.chat.completions.create(model="tini", messages=MESSAGES) for _ in range(16)))
    check("sixteen at once", all(ANSWER in r.choices[0].message.content for r in asyncio.run(many())))


CLIENTS = [("openai", use_openai), ("langchain-openai", use_langchain_openai), ("litellm", use_litellm), ("ollama", use_ollama),
           ("llm", use_llm), ("instructor", use_instructor), ("openai", use_asyncio)]
CLIENTS += [(name, lambda url, server, use=use: use(url, check)) for name, use in FORMS]
NAMES = sys.argv[2:]
for name in NAMES:
    if name not in dict(CLIENTS):
        sys.exit(f"there is no client {name!r}; there are {', '.join(dict(CLIENTS))}")
tried = 0

with Server(PROGRAM, "-q", model=None) as one:
    for name, use in CLIENTS:
        if NAMES and name not in NAMES:
            continue
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            print(f"{'FAILED' if NAMES else 'SKIP'} {name}: not installed; tools/judges/clients.sh installs it")
            failed = failed or bool(NAMES)
            continue
        tried += 1
        before = failed
        failed = 0
        try:
            use(f"http://127.0.0.1:{one.port}/", one)
        except Exception as e:  # a client may fail in any way, and the next one is to be tried
            check(f"{name} {version}", False, e)
        print(f"{name} {version}: {'FAILED' if failed else 'ok'}")
        failed = failed or before
sys.exit(failed or (0 if tried else 77))  # 77: nothing is installed, so nothing was tried
