// etcd's own Go client, for test/bench/etcd.ts: puts of 256 bytes at one endpoint, as many in flight as asked, for some seconds
// behind a warming up. Prints one line of JSON. The same keys, values and figures as ../client.ts.
//
//	put -endpoint HOST:PORT -in-flight N -seconds N -warm-up-seconds N
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

const (
	valueBytes    = 256
	keysPerWorker = 100
)

func main() {
	endpoint := flag.String("endpoint", "127.0.0.1:2379", "host:port")
	inFlight := flag.Int("in-flight", 1, "puts at a time")
	seconds := flag.Float64("seconds", 3, "measured")
	warmUpSeconds := flag.Float64("warm-up-seconds", 1, "before that")
	flag.Parse()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{*endpoint}, Logger: zap.NewNop()})
	if err != nil {
		fail(err)
	}
	from := time.Now().Add(time.Duration(*warmUpSeconds * float64(time.Second)))
	until := from.Add(time.Duration(*seconds * float64(time.Second)))
	latenciesMs := make([][]float64, *inFlight)
	var workers sync.WaitGroup
	for worker := range latenciesMs {
		workers.Add(1)
		go func() {
			defer workers.Done()
			latenciesMs[worker] = putAll(client, worker, from, until)
		}()
	}
	workers.Wait()
	report(latenciesMs, *seconds)
}

// Latencies of what ended within the measured time.
func putAll(client *clientv3.Client, worker int, from, until time.Time) []float64 {
	value := string(make([]byte, valueBytes))
	latenciesMs := []float64{}
	for n := 0; ; n++ {
		sent := time.Now()
		if sent.After(until) {
			return latenciesMs
		}
		if _, err := client.Put(context.Background(), fmt.Sprintf("k%d-%d", worker, n%keysPerWorker), value); err != nil {
			fail(err)
		}
		now := time.Now()
		if now.After(from) && now.Before(until) {
			latenciesMs = append(latenciesMs, float64(now.Sub(sent).Microseconds())/1e3)
		}
	}
}

func report(latenciesMs [][]float64, seconds float64) {
	all := []float64{}
	for _, of := range latenciesMs {
		all = append(all, of...)
	}
	if len(all) == 0 {
		fail(fmt.Errorf("nothing was put"))
	}
	sort.Float64s(all)
	quantile := func(q float64) float64 { return all[int(q*float64(len(all)-1))] }
	figures := map[string]float64{"perSecond": float64(len(all)) / seconds, "p50Ms": quantile(0.5), "p99Ms": quantile(0.99)}
	if err := json.NewEncoder(os.Stdout).Encode(figures); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintf(os.Stderr, "put: %v\n", err)
	os.Exit(1)
}
