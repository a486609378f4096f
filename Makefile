# make check is what a change has to pass.

GOLANGCI_LINT ?= golangci-lint
FUZZTIME ?= 5s

.PHONY: build check fmt vet lint test race fuzz bench bench-table demo clean

build:
	go build -trimpath -o bin/ ./cmd/...

check: fmt vet lint race fuzz

fmt:
	@files=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$files" || { echo "gofmt would change:"; echo "$$files"; exit 1; }

vet:
	go vet ./...

# golangci-lint is the one tool that Go does not bring; without it the rest of the check still runs.
lint:
	@if command -v $(GOLANGCI_LINT) >/dev/null; then $(GOLANGCI_LINT) run; \
	else echo "left out: golangci-lint is not installed (go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@latest)"; fi

test:
	go test ./...

race:
	go test -race -shuffle=on ./...

# A short run of every fuzz target.
fuzz:
	@set -e; for f in $$(git ls-files '*_test.go' | xargs grep -l '^func Fuzz' | sort); do \
		for t in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$f); do \
			echo "fuzz $$(dirname $$f) $$t"; go test ./$$(dirname $$f) -run '^$$' -fuzz "^$$t$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x >/dev/null; done; done

# The hot paths one by one, then the table of what is promised of the whole (docs/benchmarks.md).
bench:
	go test ./... -run '^$$' -bench . -benchmem
	$(MAKE) bench-table

# BENCHFLAGS chooses: BENCHFLAGS='-cases fan -repeats 5'. FLASHMQ names that broker's program, if there is one.
bench-table:
	go run ./internal/bench $(BENCHFLAGS)

demo:
	go run ./cmd/hub demo

clean:
	rm -rf bin dist
