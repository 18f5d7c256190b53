# `make` lists what can be done. `make check` is exactly what CI runs.

.DEFAULT_GOAL := help
.PHONY: help build demo test test-bench race topologies storm soak sim lint fmt vet tidy api fuzz vuln release-check bench bench-diff bench-pacing bench-broadcast bench-e2e bench-growth check tools clean

VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME  ?= 30s
BENCHTIME ?= 1s

GOLANGCI_LINT := bin/golangci-lint

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

build: ## Build bin/wecomq, static and stamped with the version
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o bin/wecomq ./cmd/wecomq

demo: build ## See it work, with nothing else installed
	./bin/wecomq demo

# Without inlining (-l) packages compile in half the time, but those run slowly that are
# busiest in the tests; without tables for a debugger (-w) they link sooner. With -trimpath
# all clones of the repository share what is compiled. What the tests build themselves takes
# the same flags from GOFLAGS, and so comes from the cache.
TEST_GOFLAGS := -trimpath -buildvcs=false -gcflags=all=-l -gcflags=std= -gcflags=github.com/yuin/gopher-lua/...= -ldflags=-w

# The compiler is quicker with more memory (GOGC); the tests keep Go's own setting.
#
# Never from the cache: what is outside the code counts as well, such as Redis and the
# browser. `make vet` vets. Most tests wait, so eight at a time are no load.
GOTEST = GOFLAGS='$(TEST_GOFLAGS)' GOGC=400 \
	go test -count=1 -vet=off -parallel 8 -timeout 15m -exec 'env -u GOGC'

# The longest begin first, so that nothing waits for one of them at the end.
PACKAGES = ./cmd/wecomq ./internal/pacing ./worker $$(go list ./... | grep -v /bench/)

# Without cgo, as the program is built.
test test-bench topologies: export CGO_ENABLED = 0
test: ## Run all tests (4 minutes)
	$(GOTEST) $(PACKAGES)

test-bench: ## Test the benchmarks themselves
	$(GOTEST) ./bench/...

# Everything is compiled again, and takes twice the time. The detector needs a C compiler, and
# lets every process end a second late, unless it is told otherwise.
race: TEST_GOFLAGS += -race
race: export GORACE = atexit_sleep_ms=0
race: ## Run the tests with the race detector (10 minutes)
	$(GOTEST) $(PACKAGES)

# The same tests: what they start is a Redis Cluster of three masters with replicas, or a
# server behind a Sentinel.
topologies: ## Run the tests on a Redis Cluster, and behind Sentinel (20 minutes)
	WECOMQ_TEST_REDIS=cluster $(GOTEST) $(PACKAGES)
	WECOMQ_TEST_REDIS=sentinel $(GOTEST) $(PACKAGES)

storm: ## Kill workers and Redis under load, cut power and networks, for tens of minutes
	WECOMQ_STORM=10 go test -count=1 -timeout 45m -v -run 'Storm|IsKilled|PowerCut' ./worker ./cmd/wecomq | grep -v '^=== '

# Without the race detector: its memory is that of the program as it is built.
SOAKTIME ?= 2m

soak: ## Besiege the gateway with 200 hostile connections for SOAKTIME (2m)
	WECOMQ_SOAK=$(SOAKTIME) go test -count=1 -vet=off -v -run Hostile ./cmd/wecomq

SEEDS ?= 10000

sim: ## Simulate faults from 10,000 seeds (SEEDS), or replay one (SEED=n); DAY=1 for a day each
	$(if $(DAY),WECOMQ_SIM_DAY=1) $(if $(SEED),WECOMQ_SIM_SEED=$(SEED),WECOMQ_SIM_SEEDS=$(SEEDS)) go test -count=1 -vet=off -timeout 24h $(if $(SEED),-v) -run WhateverHappens ./internal/sim
	$(if $(SEED),,go test -count=1 -vet=off ./internal/pacing -rapid.checks 100)

lint: $(GOLANGCI_LINT) ## Check form, style and the direction of imports
	$(GOLANGCI_LINT) run ./...

fmt: $(GOLANGCI_LINT) ## Format the code
	$(GOLANGCI_LINT) fmt ./...

vet:
	go vet ./...

tidy:
	go mod tidy -diff
	go -C tools mod tidy -diff
	go -C tools/openapi mod tidy -diff

api: ## Lint the OpenAPI documents, and compile a client that is generated from them
	go -C tools/openapi test -count=1 .
	cd tools/openapi && go tool oapi-codegen -generate types,client -package client -o client/client.gen.go ../../docs/openapi-3.0.json
	go -C tools/openapi build ./client

fuzz: ## Run every fuzz target for FUZZTIME (30s)
	@grep -roE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | while IFS=: read -r file func; do \
		echo "fuzz $${func#func } in $$(dirname "$$file")"; \
		go test -run '^$$' -fuzz "^$${func#func }$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")" || exit 1; \
	done

vuln: ## Look for known vulnerabilities in what the program calls; needs vuln.go.dev
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./... || { \
		echo 'if vuln.go.dev cannot be reached from here, nothing was checked' >&2; exit 1; }

# In another folder, without the cache: what is built must not depend on either.
release-check: build ## Build the last commit twice and compare; list components (SBOM) and licences in dist
	rm -rf dist && mkdir dist
	git clone --quiet . dist/again
	GOCACHE=$(CURDIR)/dist/cache $(MAKE) --no-print-directory -C dist/again build VERSION=$(VERSION)
	cmp bin/wecomq dist/again/bin/wecomq
	cd dist/again && go run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0 \
		mod -json -licenses -noserial -type application -output ../wecomq.cdx.json
	cd dist/again && go run github.com/google/go-licenses@v1.6.0 save ./cmd/wecomq \
		--ignore github.com/wecomq/wecomq --save_path ../licenses
	rm -rf dist/again dist/cache
	cp bin/wecomq dist && cd dist && sha256sum wecomq wecomq.cdx.json > SHA256SUMS

bench: ## Run every benchmark for BENCHTIME (1s)
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

# In turn, so that whatever else the machine does meets both.
BASE ?= HEAD~1
HOT  := ./message ./tasks ./producer ./internal/asynqx ./internal/ledger ./internal/pacing ./wecom
HOT_BENCH := go test -run '^$$' -bench . -benchmem -benchtime 200ms $(HOT)

bench-diff: ## Compare the steps of a message with another commit (BASE), by benchstat (10 minutes)
	rm -rf dist/base && mkdir -p dist && rm -f dist/base.txt dist/head.txt
	git clone --quiet . dist/base && git -C dist/base checkout --quiet $$(git rev-parse $(BASE))
	for run in 1 2 3 4 5 6; do \
		(cd dist/base && $(HOT_BENCH)) >> dist/base.txt && $(HOT_BENCH) >> dist/head.txt || exit 1; done
	go run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da dist/base.txt dist/head.txt
	rm -rf dist/base

bench-pacing: ## Measure pacing with real processes, beside asynq's own pattern (20 minutes)
	go run ./bench/pacing

bench-broadcast: ## Measure broadcasts to up to a million, beside one asynq task per recipient (an hour)
	go run ./bench/broadcast

bench-e2e: ## Measure messages a second from queue to WeCom beside plain asynq, latency and idle cost (15 minutes)
	go run ./bench/e2e

bench-growth: ## Measure longer queues, more workers, and up to 200 apps (2 minutes)
	go run ./bench/e2e -growth

check: vet test test-bench race lint tidy api ## Do all that CI does
	@$(MAKE) --no-print-directory topologies PACKAGES='-run TestScript ./cmd/wecomq'
	@$(MAKE) --no-print-directory sim SEEDS=300
	@$(MAKE) --no-print-directory fuzz FUZZTIME=500x
	@$(MAKE) --no-print-directory bench BENCHTIME=1x
	@$(MAKE) --no-print-directory soak SOAKTIME=5s
	@$(MAKE) --no-print-directory build

tools: $(GOLANGCI_LINT) ## Build the pinned linter into bin

$(GOLANGCI_LINT): tools/go.mod tools/go.sum
	go build -C tools -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

clean: ## Remove what was built
	rm -rf bin
