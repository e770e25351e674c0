# Needs Go and npm, nothing else: the rest is fetched at first use. npm brings
# the DynamoDB engine that the tests talk to (see internal/enginetest).
#
# What stands in go.work is tested: a new module needs no change here. The
# pattern "work" means the packages of all its modules; "./..." the root's only.

TIMEOUT ?= 10m

export GOWORK = $(CURDIR)/go.work

# The race detector needs a C compiler, except on macOS.
race = $$(if [ "$$(go env CGO_ENABLED)" = 1 ] || [ "$$(go env GOOS)" = darwin ]; then echo -race; \
	else echo "== no C compiler found: WITHOUT the race detector" >&2; fi)

# $(call each,command) runs a command in the folder of every module. A go.work
# that cannot be read is a failure, not an empty list.
each = dirs=$$(go list -m -f '{{.Dir}}') && printf '%s\n' "$$dirs" | while read -r dir; do \
	echo "== $$dir"; (cd "$$dir" && $(1)) </dev/null || exit 1; done

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: test
test: fmt-check vet guard staticcheck race ## all checks, then all tests; the one command that has to pass

.PHONY: test-short
test-short: ## the tests alone, with -short and without the race detector
	go test -short -timeout $(TIMEOUT) work

# Everything is compiled first, and then one package runs at a time: many tests
# have real processes and leases of seconds, which a compiler beside them delays.
.PHONY: race
race: ## the tests of all modules with the race detector
	@flag=$(race); echo "== go test $$flag, all modules"; \
	go test $$flag -exec true work >/dev/null && go test $$flag -p 1 -timeout $(TIMEOUT) work

.PHONY: examples
examples: ## the examples of the documentation, which are tests too
	go test -count=1 -timeout $(TIMEOUT) -run '^Example' work

.PHONY: lint
lint: fmt-check vet guard staticcheck ## format, go vet, the repository's own rules, staticcheck

.PHONY: fmt
fmt: ## format all Go files
	"$$(go env GOROOT)/bin/gofmt" -s -w .

.PHONY: fmt-check
fmt-check:
	@echo "== gofmt"
	@files=$$("$$(go env GOROOT)/bin/gofmt" -s -l .) || exit 1; \
	[ -z "$$files" ] || { echo "$$files"; echo "not formatted: run make fmt"; exit 1; }

.PHONY: vet
vet:
	@echo "== go vet, all modules"
	@go vet work

# Not cached: the guards read files that go test does not know of.
.PHONY: guard
guard:
	@echo "== guards: imports, documentation, links, go.mod files (internal/guard)"
	@go test -count=1 -timeout $(TIMEOUT) ./internal/guard

# Staticcheck, and no golangci-lint: building the latter from nothing took 130 s
# and 1 GB of caches on two cores against 38 s and 280 MB, and most of what it
# adds is style that the guards check in the way this repository wants it.
# go tool builds it once, again after a change of Go or of tools/go.mod.
.PHONY: staticcheck
staticcheck:
	@echo "== staticcheck, all modules (the first time it is built, which takes a minute)"
	@tool=$$(GOWORK=off go -C tools tool -n staticcheck) && "$$tool" work

.PHONY: tidy-check
tidy-check: ## each module by itself: builds, passes go vet, go.mod and go.sum are tidy
	@$(call each,export GOWORK=off && go build -buildvcs=false ./... && go vet ./... && go mod tidy -diff)
	@echo "== tools"
	@cd tools && GOWORK=off go mod tidy -diff
	@cd integrations/lambdalock/testdata/emulator && GOWORK=off go mod tidy -diff
	@cd tools/supply && GOWORK=off && export GOWORK && go vet ./... && go test ./... && go mod tidy -diff

.PHONY: deps
deps: ## write docs/dependencies.md: what each module needs, with licences
	@cd tools/supply && GOWORK=off go run ./deps

.PHONY: deps-check
deps-check: ## no dependency or licence that docs/dependencies.md does not have
	@echo "== dependencies and licences of all modules"
	@cd tools/supply && GOWORK=off go run ./deps -check

# The database is a Go module of a pinned version, 67 MB, which go fetches once.
.PHONY: vuln
vuln: ## no known vulnerability that tools/supply/vuln/known.txt does not explain
	@echo "== govulncheck, all modules"
	@cd tools/supply && GOWORK=off go run ./vuln

# Without the modules whose dependencies take minutes for each system (client-go,
# certmagic, etcd, HCL): only tests in them depend on the system.
PORTABLE = ./... ./cmd/dynalock/... ./sqlitestore/... ./chaos/... ./sim/... ./integrations/gocronlock/... ./integrations/gooselock/... ./integrations/otellock

.PHONY: cross
cross: ## go vet and builds of the command for the systems that this one is not
	@for os in darwin windows freebsd; do echo "== $$os"; GOOS=$$os CGO_ENABLED=0 go vet $(PORTABLE) || exit 1; done
	cd cmd/dynalock && go test -count=1 -timeout $(TIMEOUT) -tags cross -run 'TestBuildsEverywhere|TestBinarySize' .

# Lines of folder and function, in an order that is the same everywhere.
targets = find . -name '*_test.go' ! -path '*/testdata/*' ! -path './.cache/*' -exec grep -HoE '^func Fuzz[[:alnum:]_]+' {} + | \
	LC_ALL=C sort | sed -E 's,/[^/]*:func , ,'

.PHONY: fuzz
fuzz: ## each fuzz target in turn, for FUZZTIME (10s)
	@$(targets) | while read -r dir name; do echo "== $$name in $$dir"; \
		(cd "$$dir" && go test -run '^$$' -fuzz "^$$name\$$" -fuzzminimizetime 5s -fuzztime $(or $(FUZZTIME),10s)) </dev/null || exit 1; \
	done

# FUZZTURN=n picks the target; without it the day does, so that every target
# has its minute in turn.
.PHONY: fuzz-ci
fuzz-ci: ## one fuzz target for a minute, another one each day
	@list=$$($(targets)) && n=$$(printf '%s\n' "$$list" | wc -l) && turn=$$(($${FUZZTURN:-$$(($$(date -u +%s) / 86400))} % n)) && \
	set -- $$(printf '%s\n' "$$list" | sed -n "$$((turn + 1))p") && echo "== $$2 in $$1, number $$turn of 0 to $$((n - 1))" && \
	cd "$$1" && go test -run '^$$' -fuzz "^$$2\$$" -fuzzminimizetime 5s -fuzztime $(or $(FUZZTIME),1m)

# One process runs one history at a time, on one processor, so that it can be
# repeated; so there are two processes. SIMRUNS are those of fixed seeds.
SIMRUNS  ?= 18500
SIMFRESH ?= 500

.PHONY: sim
sim: ## the simulator, with ever new seeds until one fails; prints how to repeat it
	go test -c -o bin/sim.test ./sim
	@while seed=$$(date +%s)0000; do for test in TestSim TestMixes; do \
		(cd sim && GODEBUG=asyncpreemptoff=1 GOMAXPROCS=1 ../bin/sim.test -test.run "^$$test$$" -seed=$$seed -runs=500) || exit 1; done; done

.PHONY: sim-ci
sim-ci: ## 20,000 histories, of fixed seeds and of new ones; takes three minutes on two processors
	go test -c -o bin/sim.test ./sim
	@run() { GODEBUG=asyncpreemptoff=1 GOMAXPROCS=1 ../bin/sim.test -test.timeout $(TIMEOUT) "$$@"; }; cd sim; \
	half=$$(( $(SIMRUNS) / 2 )); \
	run -test.run '^TestSim$$' -seed=1 -runs=$$half & first=$$!; \
	{ run -test.run '^TestSim$$' -seed=$$(( half + 1 )) -runs=$$(( $(SIMRUNS) - half )) && \
		run -test.run '^TestMixes$$' -runs=1000; } & second=$$!; \
	wait $$first && run -test.run '^TestSim$$' -seed=$$(date +%s)0000 -runs=$(SIMFRESH); fresh=$$?; \
	wait $$second && exit $$fresh

CHAOSTIME ?= 1h

.PHONY: chaos
chaos: ## real processes, killed, stopped and cut off on real engines, for CHAOSTIME (1h)
	go run ./chaos -for $(CHAOSTIME)

.PHONY: chaos-ci
chaos-ci: ## the same for three minutes: histories, crashes and named exceptions
	go run ./chaos -for 3m -round 18s

.PHONY: mutations
mutations: ## breaks the protocol in one place after the other, and wants the tests to fail
	cd sim && go test -count=1 -timeout 60m -run '^TestMutations$$' -mutate=all .

# Needs a JDK and Maven too, for the client that it compares with; without them
# go run ./bench -java=false. The page is written also where a figure was missed.
.PHONY: bench
bench: ## measure cost and speed against peers, write docs/benchmarks.md; takes ten minutes
	go run ./bench -docs docs

.PHONY: demo
demo: ## start an engine and run the first example on it
	go run ./internal/demo

.PHONY: pictures
pictures: ## draw docs/pictures anew
	go run ./internal/pictures

.PHONY: spec
spec: ## check the TLA+ models and their variants with TLC; takes minutes, needs Java and Maven
	go run ./spec

.PHONY: spec-short
spec-short: ## what of that takes seconds
	go run ./spec -short
