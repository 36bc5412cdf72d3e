# A thin front over CMake: every target says what it does in one line.
PRESET ?= release
BUILD = build$(if $(filter-out release,$(PRESET)),-$(PRESET))

.PHONY: all demo setup test lint format serve tini web clean

all: setup ## build the program and the tests
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD)

setup: ## install what is missing (Debian: apt)
	@./tools/setup.sh

test: all ## build and run every test; `make test PRESET=asan` under the sanitizers
	@ctest --test-dir $(BUILD) --output-on-failure

lint: ## formatting, cppcheck, and a clang build with warnings as errors
	@./tools/setup.sh lint
	@./tools/lint.sh

format: ## clang-format every C file
	@git ls-files '*.c' '*.h' | xargs clang-format -i

demo: all ## the main job on the built-in model
	@./tools/demo.sh $(BUILD)/redraft

tini: all ## rebuild the built-in model from its data (about half an hour on 2 cores)
	@./tools/tini/make.sh $(BUILD)/redraft

serve: all ## the page and the HTTP interface on the built-in model
	@$(BUILD)/redraft serve

web: ## rebuild the page: web/dist/index.html
	@cd web && npm ci --silent && npm run --silent build

clean: ## remove what was built
	@rm -rf build build-*
