# Each target is a task of bootstrap.py, which needs nothing but Python.
TASKS := setup rehearse preview test terrain inventories bench lock

.PHONY: $(TASKS) help
$(TASKS) help:
	python3 bootstrap.py $@
