"""Whether a program that was run beside a judge broke down: what it said then is no refusal."""

# a sanitizer's word, and cmocka's of a signal, which it catches
WORDS = "Sanitizer", "runtime error:", "failed with exception"


def crashed(status, said):
    return status < 0 or any(word in said for word in WORDS)
