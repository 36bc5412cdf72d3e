#!/usr/bin/env python3
"""Random templates of Jinja's grammar, rendered by Python's Jinja and by redraft's evaluator.

  tools/judges/jinja_random.py PROGRAM COUNT [SEED]   PROGRAM is build/test_jinja

A template that Python renders is to give the same text or be refused; one over which Python raises is to be refused. Texts
with an address in them, as Python prints functions, are left out. Needs jinja2; see jinja.py."""
import copy, json, os, random, re, signal, subprocess, sys, tempfile, warnings
import jinja

NAMES = """l d text nested rows messages nobody nested.z nested.n rows[0] rows[0].deep d.a d['b'] messages[0].role
messages[-1]['content'] l[1] nested.f rows[0].flag text[2:5] x y""".split()
LITERALS = """0;1;-2;3.5;1e2;'ab';"c'd";'';'a\\nb';'\u00c9 \u00e9';true;false;none;[];[1, 'a', none];{};{'k': 1, 'z': [2]};(1, 2);True;None;10000000;'1';
'  x ';2.0;-0.5;0.1""".replace("\n", "").split(";")
BINARY = "+ - * / // % ** ~ == != < > <= >= and or in".split() + ["not in"]
FILTERS = """length;count;upper;lower;title;capitalize;trim;first;last;join;join(',');join('-', 'role');list;sort;sort(reverse=true);sort(attribute='n');unique;
reverse;tojson;tojson(indent=2);string;int;int(7);float;abs;round;round(1);round(1,'floor');default('D');default('D', true);d(3);replace('a','Z');
replace('e','', 1);selectattr('flag');selectattr('n','gt',1);selectattr('role','equalto','user');rejectattr('flag');map(attribute='n');map('upper');
map(attribute='k', default='q');select('odd');reject('none');dictsort;items;sum;sum(attribute='n');min;max;min(attribute='n');indent;indent(3);
indent(2, true);safe;format(3);select;map(attribute='deep.x');max(attribute='k');sum(start=5);unique(attribute='k');sort(attribute='k,n');
sort(case_sensitive=true);dictsort(by='value');groupby('k');list|length;first|default('z')""".replace("\n", "").split(";")
TESTS = """defined;undefined;none;string;number;mapping;iterable;sequence;boolean;true;false;odd;even;divisibleby(3);equalto(1);eq('a');ne(2);gt(1);lt(2);ge(1);
le(1);in([1,2]);sameas(none);integer;float;callable;lower;upper""".replace("\n", "").split(";")
METHODS = """upper();lower();strip();split();split(',');split(' ',1);startswith('s');endswith('t');replace('s','S');items();keys();values();get('a');
get('q','d');join(['a','b']);title();lstrip('s');rstrip();find('e');count('e');index('m');capitalize();splitlines();isdigit();isalpha();format(1,2);
partition('m');append(1);copy();pop();isspace();removeprefix('so');rsplit('e');__class__""".replace("\n", "").split(";")
PLACES = ["0", "-1", "1:", "::2", "::-1", ":2", "-2:", "'a'", "5", "'role'"]
LOOPS = ["{{ loop.index }}", "{{ loop.last }}", "{{ loop.index0 ~ loop.revindex }}", "{{ loop.previtem }}", "{{ loop.nextitem is defined }}",
         "{{ loop.cycle('a','b') }}", "{{ loop.changed(x) }}", "{{ loop.length }}", "{% if loop.index > 2 %}{% break %}{% endif %}",
         "{% if loop.first %}{% continue %}{% endif %}", "{{ loop.depth }}", ""]
ADDRESS = re.compile(r" object at 0x|<function|<built-in|dict_|<bound|<Macro|<generator")


class Grammar:
    def __init__(self, seed):
        self.rng = random.Random(seed)

    def expression(self, depth):
        one, k = self.rng.choice, self.rng.random()
        if depth <= 0 or k < 0.12:
            return one(NAMES if self.rng.random() < 0.6 else LITERALS)
        inner = self.part
        if k < 0.34:
            return f"{inner(depth - 1)} {one(BINARY)} {inner(depth - 1)}"
        if k < 0.54:
            return f"{inner(depth - 1)}|{one(FILTERS)}"
        if k < 0.64:
            return f"{inner(depth - 1)} is {one(['', 'not '])}{one(TESTS)}"
        if k < 0.74:
            return f"{inner(depth - 1)}.{one(METHODS)}"
        if k < 0.80:
            return f"{inner(depth - 1)} if {self.expression(depth - 1)}" + one(["", f" else {inner(depth - 1)}"])
        if k < 0.86:
            return f"{inner(depth - 1)}[{one(PLACES + [self.expression(depth - 2)])}]"
        if k < 0.93:
            return one(["not ", "-"]) + inner(depth - 1)
        if k < 0.96:
            return f"range({one(['3', '1,5', '5,0,-2', '0', 'l|length'])})|list"
        if k < 0.98:
            return f"dict(a={self.expression(depth - 2)}, b=2)"
        return f"{self.expression(depth - 1)} < {self.expression(depth - 1)} < {self.expression(depth - 1)}"

    def part(self, depth):
        text = self.expression(depth)
        return f"({text})" if self.rng.random() < 0.75 and any(c in text for c in " |") else text

    def output(self, depth):
        return self.rng.choice(["{{ %s }}", "{{- %s }}", "{{ %s -}}", "{{%s}}"]) % self.expression(depth)

    def white(self):
        return self.rng.choice(["", " ", "\n", "\n  ", "a", "  b\n", "\t"])

    def tag(self, text):
        return self.rng.choice(["{% ", "{%- ", "{%+ "]) + text + self.rng.choice([" %}", " -%}", " %}", " +%}"])

    def statement(self, depth):
        one, tag, body, e, k = self.rng.choice, self.tag, self.body, self.expression, self.rng.random()
        if depth <= 0 or k < 0.4:
            return self.white() + self.output(self.rng.randint(1, 3)) + self.white()
        if k < 0.55:
            more = one(["", "", tag("elif " + e(2)) + body(depth - 1)]) + one(["", tag("else") + body(depth - 1)])
            return tag("if " + e(2)) + body(depth - 1) + more + tag("endif")
        if k < 0.72:
            over = one(["l", "rows", "messages", "d|dictsort", "d.items()", "range(4)", "text[:3]", "[]", e(1)])
            names = "k, v" if over.startswith("d") and len(over) > 1 else "x"
            return (tag(f"for {names} in {over}" + one(["", "", f" if {e(1)}"])) + body(depth - 1) + one(LOOPS) +
                    one(["", "", tag("else") + body(0)]) + tag("endfor"))
        if k < 0.82:
            return tag(f"set x = {e(2)}") + self.white()
        if k < 0.86:
            return tag("set y") + body(depth - 1) + tag("endset")
        if k < 0.90:
            return tag(f"set ns = namespace(a=1, b={e(1)})") + tag("set ns.a = " + e(1)) + "{{ ns.a }}"
        if k < 0.94:
            return tag("macro m(a, b=2)") + body(0) + "{{ a }}{{ b }}" + tag("endmacro") + "{{ m(%s) }}" % e(1)
        if k < 0.96:
            return tag("filter upper") + body(depth - 1) + tag("endfilter")
        return one(["{# c %s #}" % self.white(), tag("raw") + "{{ x }}" + tag("endraw")])

    def body(self, depth):
        return "".join(self.statement(depth) for _ in range(self.rng.randint(1, 2)))


class TooLong(Exception):
    pass


def late(*_):
    raise TooLong


def python(env, text):
    """What Python gives; None where it raises; TooLong."""
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        return env.from_string(text).render(**copy.deepcopy(jinja.EXPRESSION_DATA))
    except TooLong:
        raise
    except Exception:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main(program, count, seed):
    warnings.filterwarnings("ignore")
    signal.signal(signal.SIGALRM, late)
    env, grammar, rows = jinja.environment(), Grammar(seed), []
    while len(rows) < count:
        text = grammar.body(grammar.rng.randint(0, 3))
        try:
            result = python(env, text)
        except TooLong:
            continue
        if result is None or (len(result) < 20000 and not ADDRESS.search(result)):
            rows.append([text, result, "may be refused"])
    print(f"{count} templates, of which Python renders {sum(r[1] is not None for r in rows)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, value in (("expressions", {"data": jinja.EXPRESSION_DATA, "rows": rows}), ("conversations", []), ("one", {"results": {}, "raises": []})):
            with open(os.path.join(folder, name + ".json"), "w") as f:
                json.dump(value, f)
        with open(os.path.join(folder, "one.jinja"), "w") as f:
            f.write("-")
        return subprocess.run([program, folder]).returncode


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1))
