// Reads what examples/deploy has for Kubernetes and Nomad as strictly as it can be done without a cluster: manifests into the types
// of Kubernetes' own API, an unknown field or a wrong type being an error; a job as HCL.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	path := os.Args[len(os.Args)-1]
	text, err := os.ReadFile(path)
	if err == nil {
		err = check(path, text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(path string, text []byte) error {
	if strings.HasSuffix(path, ".hcl") {
		_, diagnostics := hclsyntax.ParseConfig(text, path, hcl.InitialPos)
		if diagnostics.HasErrors() {
			return diagnostics
		}
		return nil
	}
	for _, document := range strings.Split(string(text), "\n---\n") {
		if err := decode([]byte(document)); err != nil {
			return err
		}
	}
	return nil
}

func decode(document []byte) error {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	kinds := map[string]any{
		"v1 Service":                    &corev1.Service{},
		"apps/v1 StatefulSet":           &appsv1.StatefulSet{},
		"policy/v1 PodDisruptionBudget": &policyv1.PodDisruptionBudget{},
	}
	name := kind.APIVersion + " " + kind.Kind
	into, known := kinds[name]
	if !known {
		return fmt.Errorf("no check for %q", name)
	}
	if err := yaml.UnmarshalStrict(document, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
