#!/bin/bash
# redraft train and eval as several processes: any number of them leaves what one does, bit for bit.
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. tests/expect.bash
for i in $(seq 60); do
  echo "{\"prompt\":\"What is $i and one?\",\"answer\":\"It is $((i + 1)).\"}"
done > "$folder/rows.jsonl"
cat > "$folder/base.yaml" <<END
init: {tokenizer: models/tini, width: 32, layers: 2, heads: 2, ff: 64, positions: 64}
data: ["$folder/rows.jsonl"]
objective: structural
trainable: all
window: 64
batch: 2
accumulate: 4
updates: 20
warmup: 3
learning_rate: 0.01
checkpoint_every: 5
log_every: 1
validate_every: 10
held_out: 0.3
own_drafts: 0.5
END
base=(train "$folder/base.yaml" --out)

# A program that is one of several and cannot work with the others says so, instead of training what they train.
alone=$(OMPI_COMM_WORLD_SIZE=2 "$program" "${base[@]}" "$folder/alone" 2>&1 < /dev/null)
if [[ $alone == *"built without MPI"* ]]; then
  check "nothing is begun" 1 "$([ -e "$folder/alone" ]; echo $?)"
  check "the way out" 1 "$(grep -c 'make MPI=1' <<< "$alone")"
  exit $failed # with MPI there is more to try: make ranks
fi
command -v mpirun > /dev/null || { echo "skipped: no mpirun"; exit 77; }
together() { # together N ARGUMENTS...
  mpirun --allow-run-as-root --oversubscribe -n "$1" "$program" "${@:2}" 2> "$folder/messages"
}
same() { # same WHAT FOLDER
  for name in best final; do
    cmp -s "$folder/one/$name/model.safetensors" "$folder/$2/$name/model.safetensors"
    check "$1: the same $name weights" 0 $?
  done
  check "$1: the same losses" "$(losses one)" "$(losses "$2")"
}
losses() { sed -n 's/.*\("update":[0-9]*,"[a-z_]*loss":[^,]*\).*/\1/p' "$folder/$1/metrics.jsonl"; }
"$program" "${base[@]}" "$folder/one" -q; check "one" 0 $?
for n in 2 4; do
  together $n "${base[@]}" "$folder/by$n"; check "$n ranks" 0 $?
  same "$n ranks" "by$n"
  check "$n ranks: one speaks" 1 "$(grep -c 'examples to train on' "$folder/messages")"
done

# Factors, thick ones folded and thin ones beside, from what was trained.
grep -v ^init "$folder/base.yaml" > "$folder/factors.yaml"
lora=(train "$folder/factors.yaml" --model "$folder/one/final" --trainable lora --lora-rank 12 --updates 4 --validate-every 0 --out)
"$program" "${lora[@]}" "$folder/factors" -q; check "factors" 0 $?
together 2 "${lora[@]}" "$folder/factors2"; check "factors of 2 ranks" 0 $?
cmp -s "$folder/factors/final/adapter_model.safetensors" "$folder/factors2/final/adapter_model.safetensors"
check "the same factors" 0 $?

# On devices each rank has the card of its number on its machine; sums and AdamW leave what one device leaves.
device=(train "$folder/base.yaml" --precision f32 --updates 3 --validate-every 0 --own-drafts 0 --engine emulated --threads 1 --out)
"$program" "${device[@]}" "$folder/device" -q; check "a device" 0 $?
together 2 "${device[@]}" "$folder/devices"; check "2 ranks with one each" 0 $?
cmp -s "$folder/device/final/model.safetensors" "$folder/devices/final/model.safetensors"
check "devices: the same weights" 0 $?
"${CC:-cc}" -shared -fPIC -Iinclude -Isrc/base -Isrc/kern -Isrc/cuda tests/cuda/fake_card.c -o "$folder/cards.so"; check "a library of no cards" 0 $?
REDRAFT_CUDA=$folder/cards.so together 2 "${device[@]}" "$folder/cards" --engine cuda; check "no cards" 0 $(($? == 0))
check "which cards were asked for" "card 0 card 1 " "$(grep -o '^card [0-9]*' "$folder/messages" | sort | tr '\n' ' ')"

# What does not go is refused once, by one of them.
together 3 "${base[@]}" "$folder/by3"; check "3 ranks for 4 passes" 0 $(($? == 0))
check "3 ranks: said once" 1 "$(grep -c 'cannot share' "$folder/messages")"
together 2 "${base[@]}" "$folder/by2"; check "a folder with a run" 0 $(($? == 0))
check "said once" 1 "$(grep -c 'holds a run' "$folder/messages")"
mpirun --allow-run-as-root --oversubscribe -n 1 "$program" "${base[@]}" "$folder/odd" : \
  -n 1 "$program" "${base[@]}" "$folder/odd" --seed 9 2> "$folder/messages"
check "other settings" 0 $(($? == 0))
check "other settings: said" 1 "$(grep -c 'have different settings' "$folder/messages")"
mpirun --allow-run-as-root --oversubscribe -n 1 "$program" "${base[@]}" "$folder/odd" : \
  -n 1 env REDRAFT_CPU=scalar "$program" "${base[@]}" "$folder/odd" 2> "$folder/messages"
check "other processors: said" 1 "$(grep -c 'instruction sets' "$folder/messages")"

# A rank is killed, then another, now of two and now of four; what stands goes on to the same end.
kills=3
[ -n "$RD_TEST_ALL" ] && kills=50
struck=0
kill_one() { # kill_one AT: a rank, as soon as that update is logged or a little later
  until [ "$(grep -cs '"learning_rate"' "$folder/killed/metrics.jsonl" | grep . || echo 0)" -ge "$1" ]; do
    kill -0 "$launcher" 2> /dev/null || return 1
    sleep 0.01
  done
  sleep "0.0$((RANDOM % 10))"
  local ranks
  mapfile -t ranks < <(pgrep -P "$launcher" -f "train $folder/base.yaml")
  [ ${#ranks[@]} -gt 0 ] && kill -9 "${ranks[RANDOM % ${#ranks[@]}]}" 2> /dev/null
}
for ((tries = 0; struck < kills && tries < 4 * kills; tries++)); do
  n=$((RANDOM % 2 ? 2 : 4))
  mpirun --allow-run-as-root --oversubscribe -n $n "$program" "${base[@]}" "$folder/killed" --resume 2> /dev/null &
  launcher=$!
  kill_one $((RANDOM % 20)) && struck=$((struck + 1))
  wait "$launcher" 2> /dev/null
  [ -e "$folder/killed/final" ] && { same "after $struck kills" killed; rm -rf "$folder/killed"; }
done
check "ranks killed" $kills $struck
together 2 "${base[@]}" "$folder/killed" --resume; check "the rest, by 2 ranks" 0 $?
same "after $struck kills, in the end" killed

# A rank that is asked to end takes the others with it, behind a checkpoint; one process goes on alone.
mpirun --allow-run-as-root --oversubscribe -n 2 "$program" "${base[@]}" "$folder/asked" 2> "$folder/messages" &
launcher=$!
eventually grep -qs '"update":3,' "$folder/asked/metrics.jsonl"
kill -TERM "$(pgrep -P "$launcher" -f "train $folder/base.yaml" | tail -1)"
wait "$launcher"
check "asked to end: said once" 1 "$(grep -c 'stopped after update' "$folder/messages")"
"$program" "${base[@]}" "$folder/asked" --resume -q; check "gone on with alone" 0 $?
same "asked to end, and alone" asked

# Two hosts: network namespaces with a cable between them, where the test may make such.
host=rd$$
unplug() { for end in a b; do ip netns del "$host$end" 2> /dev/null; done; }
plug() {
  ip netns add "${host}a" && ip netns add "${host}b" &&
    ip link add "${host}x" netns "${host}a" type veth peer name "${host}y" netns "${host}b" || return 1
  for end in "a 10.77.0.1 x" "b 10.77.0.2 y"; do
    read -r name address cable <<< "$end"
    ip -n "$host$name" addr add "$address/24" dev "$host$cable"
    ip -n "$host$name" link set "$host$cable" up
    ip -n "$host$name" link set lo up
  done
}
if plug 2> /dev/null; then
  trap 'unplug; rm -rf "$folder"' EXIT
  # what mpirun starts the other host's part with, as it would with ssh: HOST COMMAND..
  printf '#!/bin/sh\nshift\nexec ip netns exec %sb unshare --uts sh -c "hostname other; $*"\n' "$host" > "$folder/agent"
  chmod +x "$folder/agent"
  net=10.77.0.0/24
  ip netns exec "${host}a" mpirun --allow-run-as-root --oversubscribe --host 10.77.0.1:1,10.77.0.2:1 -n 2 \
    --mca plm_rsh_agent "$folder/agent" --mca plm_rsh_no_tree_spawn 1 --mca oob_tcp_if_include $net \
    --mca btl self,tcp --mca btl_tcp_if_include $net "$program" "${base[@]}" "$folder/hosts" 2> "$folder/messages"
  check "two hosts" 0 $?
  same "two hosts" hosts
  hosts=", two hosts"
fi
unplug

# Rows are shared out too, and counted as by one.
measure=(eval -m "$folder/one/final" --data "$folder/rows.jsonl" --json -q)
for task in "exact --limit 7 -n 2 --window 32" "loss --window 64"; do
  # shellcheck disable=SC2086
  "$program" "${measure[@]}" --task $task > "$folder/alone.json"
  # shellcheck disable=SC2086
  together 2 "${measure[@]}" --task $task > "$folder/shared.json"; check "$task: by 2" 0 $?
  for f in alone shared; do sed -Ei 's/"(mean_seconds|rows_per_second)[a-z_]*": [^,}]*//g' "$folder/$f.json"; done
  check "$task" "$(cat "$folder/alone.json")" "$(cat "$folder/shared.json")"
done
# What fails on one of them ends both: a window that only the second asks for, an answer that the first cannot write.
answers=("${measure[@]}" --task exact --limit 7 -n 2)
mpirun --allow-run-as-root --oversubscribe -n 1 "$program" "${answers[@]}" --window 32 : \
  -n 1 "$program" "${answers[@]}" --window 300 > /dev/null 2> "$folder/messages"
check "a row that fails on one" 0 $(($? == 0))
check "a row that fails on one: said once" 1 "$(grep -c 'window 300 is beyond' "$folder/messages")"
together 2 "${answers[@]}" --window 32 --out /dev/full > /dev/null; check "answers that cannot be written" 0 $(($? == 0))
check "answers that cannot be written: said once" 1 "$(grep -c '/dev/full: cannot write: No space' "$folder/messages")"
echo "$kills kills of ranks$hosts"
exit $failed
