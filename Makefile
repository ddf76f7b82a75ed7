# The commands of the project. `make run` and `make test` need nothing prepared but Debian and Swift.
.DEFAULT_GOAL := help
# As the package is built: other flags would build everything anew, and measure another program.
as_shipped = swift build -c release --static-swift-stdlib --disable-local-rpath
.PHONY: help run test bench bench-gate build lint format deb image test-deb test-boot test-image test-cluster \
	test-setup clean

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

run: ## install what is needed, build, and scan a sample folder: the demonstration
	scripts/setup build demo
	swift build
	scripts/demo

test: ## install what is needed, build, and run every test of the programs
	scripts/setup build demo test
	scripts/test
	Tests/prometheus/run
	Tests/prometheus/dashboard

bench: ## measure beside clamscan, clamd and find; ARGUMENTS="--full" for the large sizes (as root, hours)
	scripts/setup build bench
	for product in nodeguard nodeguard-engine gate-benchmark gate-holder; do $(as_shipped) --product $$product || exit; done
	Benchmarks/run $(ARGUMENTS)
	if [ "$$(id -u)" = 0 ]; then .build/release/gate-benchmark; else echo "not root: the gate was not measured"; fi

bench-gate: ## measure the gate alone: fault to shut, cost of a packet, idle (as root); TRIALS=20 for a quick look
	scripts/setup build bench
	for product in gate-benchmark gate-holder; do $(as_shipped) --product $$product || exit; done
	.build/release/gate-benchmark $(TRIALS)

build: ## build for debugging
	scripts/setup build
	swift build

lint: build ## check form, scripts, links, versions and what the programs are linked with
	scripts/setup lint
	scripts/lint

format: ## put the Swift sources into form
	swift format --in-place --parallel --recursive Package.swift Sources Tests

deb: ## build build/nodeguard_VERSION_ARCHITECTURE.deb and have lintian look at it
	scripts/setup build package
	scripts/deb

test-deb: ## install, try, remove and purge the package in a fresh Debian root folder (as root)
	scripts/setup package
	Tests/packaging/install-test

test-boot: ## boot a machine with the package in a container: gate before network, reload, watchdog, upgrade (as root)
	scripts/setup package
	Tests/packaging/boot-test

image: ## make build/nodeguard-VERSION.oci.tar of build/nodeguard_*.deb and Debian's packages (as root)
	scripts/setup package
	packaging/container/build

test-image: ## make the image and run it as the DaemonSet would (as root)
	scripts/setup cluster package
	Tests/container/run

test-cluster: build ## render the Kubernetes manifests and check them
	scripts/setup cluster
	Tests/kubernetes/run

test-setup: ## run scripts/setup on a fresh Debian machine, booted in a container (as root)
	scripts/setup package
	Tests/packaging/setup-test

clean: ## remove everything that was built
	rm -rf .build build
