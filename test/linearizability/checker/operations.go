package main

import (
	"math"

	"github.com/anishathalye/porcupine"
)

// As ../checker-input.ts writes it. `ReturnNs` is null where nobody knows the outcome.
type operation struct {
	Client   int      `json:"client"`
	Op       string   `json:"op"`
	Value    string   `json:"value"`
	Expected *string  `json:"expected"`
	CallNs   int64    `json:"callNs"`
	ReturnNs *int64   `json:"returnNs"`
	Changed  bool     `json:"changed"`
	Read     *string  `json:"read"`
	Members  []string `json:"members"`
}

// What is unknown may take effect at any time after its call, or never, which is the same as after everything else: it
// returns when all others have.
func operationsOf(key key) []porcupine.Operation {
	openNs := int64(math.MinInt64)
	for _, operation := range key.Operations {
		openNs = max(openNs, operation.CallNs)
		if operation.ReturnNs != nil {
			openNs = max(openNs, *operation.ReturnNs)
		}
	}
	openNs++
	operations := make([]porcupine.Operation, 0, len(key.Operations))
	rows := newRows()
	for _, operation := range key.Operations {
		returnNs := openNs
		if operation.ReturnNs != nil {
			returnNs = *operation.ReturnNs
		}
		operations = append(operations, porcupine.Operation{
			ClientId: rows.of(operation), Input: operation, Output: operation, Call: operation.CallNs, Return: returnNs,
		})
	}
	return operations
}

// The row of each operation in the picture: a client that does not know an outcome goes on in a row of its own, as if it
// were another client, because the old row stays occupied until the end.
type rows struct {
	ofClient map[int]int
	count    int
}

func newRows() *rows { return &rows{ofClient: map[int]int{}} }

func (rows *rows) of(operation operation) int {
	row, known := rows.ofClient[operation.Client]
	if !known {
		row = rows.count
		rows.count++
		rows.ofClient[operation.Client] = row
	}
	if operation.ReturnNs == nil {
		delete(rows.ofClient, operation.Client)
	}
	return row
}

func spanOf(operations []porcupine.Operation) (first, last int64) {
	first, last = math.MaxInt64, math.MinInt64
	for _, operation := range operations {
		first, last = min(first, operation.Call), max(last, operation.Return)
	}
	return first, last
}
