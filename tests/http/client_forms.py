# SPDX-License-Identifier: MIT
"""Structured answers and calls of tools, as client libraries ask for them and read them: rows for clients.py. The built-in model knows
nothing of the questions; what is checked is that every answer is of the class asked for."""
import json

MESSAGES = [{"role": "user", "content": "Who is Alice?"}]
MOST = {"max_tokens": 120}


def classes():
    from typing import Literal, Optional

    from pydantic import BaseModel, Field

    class Person(BaseModel):
        """A person."""
        name: str = Field(max_length=16)
        age: int = Field(ge=0, le=120)
        kind: Literal["friend", "other"]
        note: Optional[str] = None

    class Weather(BaseModel):
        """The weather of a city."""
        city: str = Field(max_length=12)
        unit: Literal["C", "F"]
    return Person, Weather


def use_openai_forms(url, check):
    import openai
    Person, Weather = classes()
    client = openai.OpenAI(base_url=url + "v1", api_key="any", max_retries=0)
    chat, tool = client.chat.completions, openai.pydantic_function_tool(Weather)
    check("parse", isinstance(chat.parse(model="tini", messages=MESSAGES, response_format=Person, **MOST).choices[0].message.parsed, Person))
    with chat.stream(model="tini", messages=MESSAGES, response_format=Person, **MOST) as events:
        check("parse, streamed", isinstance([*events] and events.get_final_completion().choices[0].message.parsed, Person))
    check("an object", isinstance(json.loads(chat.create(model="tini", messages=MESSAGES, response_format={"type": "json_object"}, **MOST).choices[0].message.content), dict))
    choice = chat.parse(model="tini", messages=MESSAGES, tools=[tool], tool_choice="required", **MOST).choices[0]
    check("a call", (isinstance(choice.message.tool_calls[0].function.parsed_arguments, Weather), choice.finish_reason) == (True, "tool_calls"))
    named = {"type": "function", "function": {"name": "Weather"}}
    with chat.stream(model="tini", messages=MESSAGES, tools=[tool], tool_choice=named, **MOST) as events:
        call = [*events] and events.get_final_completion().choices[0].message.tool_calls[0]
        check("a call, streamed", isinstance(call.function.parsed_arguments, Weather))
    answer = {"role": "tool", "tool_call_id": call.id, "content": "20"}
    asked = {"role": "assistant", "content": None, "tool_calls": [call.model_dump(exclude={"function": {"parsed_arguments"}, "index": True})]}
    check("its result goes back", bool(chat.create(model="tini", messages=[*MESSAGES, asked, answer], **MOST).choices[0].message.content))
    check("response: parse", isinstance(client.responses.parse(model="tini", input="Hi", text_format=Person, max_output_tokens=120).output_parsed, Person))
    flat = [openai.pydantic_function_tool(Weather)["function"] | {"type": "function"}]
    made = client.responses.create(model="tini", input="Hi", tools=flat, tool_choice="required", max_output_tokens=120).output
    check("response: a call", [(item.type, bool(Weather.model_validate_json(item.arguments))) for item in made] == [("function_call", True)])
    with client.responses.stream(model="tini", input="Hi", tools=flat, tool_choice="required", max_output_tokens=120) as events:
        check("response: a call, streamed", [*events] and events.get_final_response().output[0].name == "Weather")


def use_langchain_forms(url, check):
    from langchain_openai import ChatOpenAI
    Person, Weather = classes()
    chat = ChatOpenAI(model="tini", base_url=url + "v1", api_key="any", max_retries=0, **MOST)
    for method in "json_schema", "function_calling":
        check(method, isinstance(chat.with_structured_output(Person, method=method).invoke("Hi"), Person))
    call = chat.bind_tools([Weather], tool_choice="required").invoke("Hi").tool_calls[0]
    check("bind_tools", isinstance(Weather(**call["args"]), Weather))
    merged = None
    for chunk in chat.bind_tools([Weather], tool_choice="Weather").stream("Hi"):
        merged = chunk if merged is None else merged + chunk
    check("bind_tools, streamed", isinstance(Weather(**merged.tool_calls[0]["args"]), Weather))


def use_instructor_forms(url, check):
    import instructor
    from openai import OpenAI
    Person, Weather = classes()
    for mode in instructor.Mode.JSON, instructor.Mode.MD_JSON:  # whose instructions are longer than the model's window
        client = instructor.from_openai(OpenAI(base_url=url + "v1", api_key="any", max_retries=0), mode=mode)
        try:
            client.chat.completions.create(model="tini", messages=MESSAGES, response_model=Weather, max_retries=0, **MOST)
            check(f"{mode}: no room", False)
        except Exception as e:
            check(f"{mode}: no room", "shorten the prompt: the model has no larger window" in str(e), str(e))
    for mode in instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA:
        client = instructor.from_openai(OpenAI(base_url=url + "v1", api_key="any"), mode=mode)
        made = client.chat.completions.create(model="tini", messages=MESSAGES, response_model=Weather, max_retries=0, **MOST)
        check(str(mode), isinstance(made, Weather))


def use_litellm_forms(url, check):
    import litellm
    litellm.telemetry = False
    Person, Weather = classes()
    to = {"model": "openai/tini", "api_base": url + "v1", "api_key": "any", **MOST}
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": Person.model_json_schema(), "strict": True}}
    text = litellm.completion(messages=MESSAGES, response_format=form, **to).choices[0].message.content
    check("a form", isinstance(Person.model_validate_json(text), Person))
    tools = [{"type": "function", "function": {"name": "weather", "parameters": Weather.model_json_schema()}}]
    call = litellm.completion(messages=MESSAGES, tools=tools, tool_choice="required", **to).choices[0].message.tool_calls[0]
    check("a call", isinstance(Weather.model_validate_json(call.function.arguments), Weather))


def use_ollama_tools(client, check):
    """A function of Python becomes a tool. Ollama's interface has no way to demand a call; here tool_choice among the options does."""
    def weather(city: str, days: int = 1) -> str:
        """The weather of a city.

        Args:
          city: which one
          days: how many of them
        """
        return f"rain in {city} for {days} days"
    free = client.chat(model="tini", messages=MESSAGES, tools=[weather])
    check("tools, no call demanded", bool(free.message.content) and not free.message.tool_calls, free.message)
    demanded = {"num_predict": 120, "tool_choice": "required"}
    said = client.chat(model="tini", messages=MESSAGES, tools=[weather], options=demanded).message
    check("a call", said.tool_calls[0].function.name == "weather" and weather(**said.tool_calls[0].function.arguments).startswith("rain"), said)
    result = {"role": "tool", "tool_name": "weather", "content": weather(**said.tool_calls[0].function.arguments)}
    check("its result goes back", bool(client.chat(model="tini", messages=[*MESSAGES, said, result], tools=[weather]).message.content))
    last = [part.message for part in client.chat(model="tini", messages=MESSAGES, tools=[weather], options=demanded, stream=True)][-1]
    check("a call, streamed", last.tool_calls[0].function.name == "weather", last)


def use_ollama_forms(url, check):
    import ollama
    Person, _ = classes()
    client, options = ollama.Client(host=url.rstrip("/")), {"num_predict": 120}
    made = client.chat(model="tini", messages=MESSAGES, format=Person.model_json_schema(), options=options)
    check("a form", isinstance(Person.model_validate_json(made.message.content), Person))
    text = "".join(c.response for c in client.generate(model="tini", prompt="Hi", format="json", stream=True, options=options))
    use_ollama_tools(client, check)
    check("json", isinstance(json.loads(text), dict))


FORMS = [("openai", use_openai_forms), ("langchain-openai", use_langchain_forms), ("instructor", use_instructor_forms),
         ("litellm", use_litellm_forms), ("ollama", use_ollama_forms)]
