// The linearizability checker of test/linearizability: reads the input of ../checker-input.ts, asks porcupine key by key, and
// prints one line of JSON. For each key that is not linearizable it draws porcupine's picture, with the faults above it.
//
//	checker -input FILE -pictures DIRECTORY [-timeout 5m]
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/anishathalye/porcupine"
)

type input struct {
	Keys   []key   `json:"keys"`
	Faults []fault `json:"faults"`
}

// One register or one set. Keys are independent, so each is checked alone: a history is linearizable if each object's is
// (Herlihy and Wing 1990, theorem 1).
type key struct {
	Name       string      `json:"name"`
	Kind       string      `json:"kind"`
	Operations []operation `json:"operations"`
}

type fault struct {
	What    string `json:"what"`
	StartNs int64  `json:"startNs"`
	EndNs   int64  `json:"endNs"`
}

type verdict struct {
	Keys       int         `json:"keys"`
	Operations int         `json:"operations"`
	Violations []violation `json:"violations"`
	// Not decided within the timeout, which proves nothing either way.
	Undecided []string `json:"undecided"`
}

type violation struct {
	Key     string `json:"key"`
	Picture string `json:"picture"`
}

func main() {
	inputPath := flag.String("input", "", "file with the operations")
	pictures := flag.String("pictures", "", "directory for the pictures of what is not linearizable")
	timeout := flag.Duration("timeout", 5*time.Minute, "for all keys together")
	flag.Parse()
	result, err := check(*inputPath, *pictures, *timeout)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "checker: %v\n", err)
		os.Exit(2)
	}
}

func check(inputPath, pictures string, timeout time.Duration) (verdict, error) {
	result := verdict{Violations: []violation{}, Undecided: []string{}}
	var in input
	bytes, err := os.ReadFile(inputPath)
	if err != nil {
		return result, err
	}
	if err := json.Unmarshal(bytes, &in); err != nil {
		return result, fmt.Errorf("%s: %w", inputPath, err)
	}
	deadline := time.Now().Add(timeout)
	for _, key := range in.Keys {
		result.Keys++
		result.Operations += len(key.Operations)
		outcome, picture, err := checkKey(key, in.Faults, pictures, time.Until(deadline))
		if err != nil {
			return result, err
		}
		switch outcome {
		case porcupine.Illegal:
			result.Violations = append(result.Violations, violation{Key: key.Name, Picture: picture})
		case porcupine.Unknown:
			result.Undecided = append(result.Undecided, key.Name)
		case porcupine.Ok:
		}
	}
	return result, nil
}

func checkKey(key key, faults []fault, pictures string, left time.Duration) (porcupine.CheckResult, string, error) {
	if left <= 0 {
		return porcupine.Unknown, "", nil // To porcupine, 0 is "for ever".
	}
	model, err := modelOf(key.Kind)
	if err != nil {
		return porcupine.Unknown, "", err
	}
	operations := operationsOf(key)
	outcome := porcupine.CheckOperationsTimeout(model, operations, left)
	if outcome != porcupine.Illegal {
		return outcome, "", nil
	}
	// What the picture needs costs memory, so it is computed for the few that get one. Illegal is known by now: a timeout
	// here only leaves the picture with fewer lines.
	_, info := porcupine.CheckOperationsVerbose(model, operations, time.Minute)
	info.AddAnnotations(annotationsOf(operations, faults))
	picture := filepath.Join(pictures, key.Name+".html")
	return outcome, picture, porcupine.VisualizePath(model, info, picture)
}

// The faults that overlap the life of a key; the others would only widen its picture.
func annotationsOf(operations []porcupine.Operation, faults []fault) []porcupine.Annotation {
	first, last := spanOf(operations)
	annotations := []porcupine.Annotation{}
	for _, fault := range faults {
		if fault.EndNs < first || fault.StartNs > last {
			continue
		}
		annotations = append(annotations, porcupine.Annotation{
			Tag: "faults", Start: fault.StartNs, End: fault.EndNs, Description: fault.What, BackgroundColor: "#fde2c8",
		})
	}
	return annotations
}
