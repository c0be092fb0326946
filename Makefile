PYTHON ?= python3

.PHONY: demo serve test docs lock

demo: ## Set up, draft the sample tickets through whatever tiers there are, serve the console
	@$(PYTHON) bootstrap.py demo $(ARGS)

serve: ## Set up and serve
	@$(PYTHON) bootstrap.py serve $(ARGS)

test: ## Set up with the test tools and run every test
	@$(PYTHON) bootstrap.py test $(ARGS)

docs: ## Write docs/reference anew from the code
	@.venv/bin/python docs/generate.py

lock: ## Compile the locked requirements again (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --extra build pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --extra build --extra dev pyproject.toml -o requirements-dev.lock
