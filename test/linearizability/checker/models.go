package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
)

func modelOf(kind string) (porcupine.Model, error) {
	switch kind {
	case "register":
		return registerModel, nil
	case "set":
		return setModel, nil
	}
	return porcupine.Model{}, fmt.Errorf("no model of a %q", kind)
}

// The state is the value as it is described: "absent", or the value in quotes, so that no value is taken for "absent".
var registerModel = porcupine.Model{
	Init: func() interface{} { return describeValue(nil) },
	Step: func(state, in, _ interface{}) (bool, interface{}) {
		operation := in.(operation)
		known := operation.ReturnNs != nil
		switch operation.Op {
		case "read":
			return state == describeValue(operation.Read), state
		case "write":
			return true, describeValue(&operation.Value)
		case "compareAndSet":
			matches := state == describeValue(operation.Expected)
			if known && matches != operation.Changed {
				return false, state
			}
			if matches {
				return true, describeValue(&operation.Value)
			}
			return true, state
		}
		panic("a register knows no " + operation.Op)
	},
	DescribeOperation: func(in, _ interface{}) string { return describe(in.(operation)) },
}

// The state is the sorted members, one a line. Sets only grow.
var setModel = porcupine.Model{
	Init: func() interface{} { return "" },
	Step: func(state, in, _ interface{}) (bool, interface{}) {
		operation := in.(operation)
		switch operation.Op {
		case "read":
			return state == joined(operation.Members), state
		case "add":
			members := membersOf(state)
			at, present := slices.BinarySearch(members, operation.Value)
			if operation.ReturnNs != nil && present == operation.Changed {
				return false, state
			}
			if present {
				return true, state
			}
			return true, strings.Join(slices.Insert(members, at, operation.Value), "\n")
		}
		panic("a set knows no " + operation.Op)
	},
	DescribeOperation: func(in, _ interface{}) string { return describe(in.(operation)) },
	DescribeState: func(state interface{}) string {
		return "{" + strings.Join(membersOf(state), ", ") + "}"
	},
}

func membersOf(state interface{}) []string {
	if state == "" {
		return []string{}
	}
	return strings.Split(state.(string), "\n")
}

func joined(members []string) string {
	sorted := slices.Clone(members)
	slices.Sort(sorted)
	return strings.Join(sorted, "\n")
}

func describeValue(value *string) string {
	if value == nil {
		return "absent"
	}
	return fmt.Sprintf("%q", *value)
}

func describe(operation operation) string {
	outcome := "?"
	if operation.ReturnNs != nil {
		outcome = map[bool]string{true: "done", false: "unchanged"}[operation.Changed]
	}
	switch {
	case operation.Op == "read" && operation.Members != nil:
		return "members -> {" + strings.Join(operation.Members, ", ") + "}"
	case operation.Op == "read":
		return "read -> " + describeValue(operation.Read)
	case operation.Op == "compareAndSet":
		return fmt.Sprintf("%s => %q: %s", describeValue(operation.Expected), operation.Value, outcome)
	}
	return fmt.Sprintf("%s %q: %s", operation.Op, operation.Value, outcome)
}
