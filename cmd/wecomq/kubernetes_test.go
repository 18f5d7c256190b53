package main_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/wecomq/wecomq/internal/config"
)

const kubernetes = "deploy/kubernetes"

// manifest has the checked properties of an object of Kubernetes.
type manifest struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	StringData map[string]string `yaml:"stringData"`
	Spec       struct {
		Replicas     int            `yaml:"replicas"`
		MinAvailable int            `yaml:"minAvailable"`
		Selector     map[string]any `yaml:"selector"`
		Ports        []struct {
			Port       int    `yaml:"port"`
			TargetPort string `yaml:"targetPort"`
		} `yaml:"ports"`
		Template struct {
			Metadata struct {
				Labels      map[string]string `yaml:"labels"`
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"metadata"`
			Spec pod `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

type pod struct {
	Grace           int  `yaml:"terminationGracePeriodSeconds"`
	Token           bool `yaml:"automountServiceAccountToken"`
	SecurityContext struct {
		RunAsNonRoot bool `yaml:"runAsNonRoot"`
		RunAsUser    int  `yaml:"runAsUser"`
	} `yaml:"securityContext"`
	Containers []struct {
		Args  []string `yaml:"args"`
		Image string   `yaml:"image"`
		Env   []struct {
			Name  string `yaml:"name"`
			Value string `yaml:"value"`
		} `yaml:"env"`
		Ports []struct {
			Name          string `yaml:"name"`
			ContainerPort int    `yaml:"containerPort"`
		} `yaml:"ports"`
		Liveness        probe `yaml:"livenessProbe"`
		Readiness       probe `yaml:"readinessProbe"`
		Startup         probe `yaml:"startupProbe"`
		SecurityContext struct {
			ReadOnly     bool `yaml:"readOnlyRootFilesystem"`
			Escalation   bool `yaml:"allowPrivilegeEscalation"`
			Capabilities struct {
				Drop []string `yaml:"drop"`
			} `yaml:"capabilities"`
		} `yaml:"securityContext"`
		VolumeMounts []struct {
			MountPath string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
		Resources struct {
			Limits map[string]string `yaml:"limits"`
		} `yaml:"resources"`
	} `yaml:"containers"`
}

type probe struct {
	HTTPGet struct {
		Path string `yaml:"path"`
		Port string `yaml:"port"`
	} `yaml:"httpGet"`
}

// manifests are the objects in a file.
func manifests(t *testing.T, name string) []manifest {
	t.Helper()
	var all []manifest
	decoder := yaml.NewDecoder(bytes.NewReader(read(t, filepath.Join(kubernetes, name))))
	for {
		var m manifest
		err := decoder.Decode(&m)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, m)
	}
}

// applied are the objects that the kustomization applies.
func applied(t *testing.T) []manifest {
	t.Helper()
	var kustomization struct {
		Resources []string `yaml:"resources"`
	}
	if err := yaml.Unmarshal(read(t, filepath.Join(kubernetes, "kustomization.yaml")), &kustomization); err != nil {
		t.Fatal(err)
	}
	var all []manifest
	for _, name := range kustomization.Resources {
		all = append(all, manifests(t, name)...)
	}
	return all
}

// deployments returns the deployments by the component that they run.
func deployments(t *testing.T) map[string]manifest {
	t.Helper()
	found := map[string]manifest{}
	for _, m := range applied(t) {
		if m.Kind == "Deployment" {
			found[m.Spec.Template.Metadata.Labels["app.kubernetes.io/component"]] = m
		}
	}
	if len(found) != 2 || len(found["gateway"].Spec.Template.Spec.Containers) != 1 || len(found["worker"].Spec.Template.Spec.Containers) != 1 {
		t.Fatalf("deployments %v, want gateway and worker of one container each", slices.Collect(maps.Keys(found)))
	}
	return found
}

func pods(t *testing.T) []pod {
	t.Helper()
	found := deployments(t)
	return []pod{found["gateway"].Spec.Template.Spec, found["worker"].Spec.Template.Spec}
}

func TestPodsAreProbedAndMayDoLittle(t *testing.T) {
	t.Parallel()
	for name, d := range deployments(t) {
		p := d.Spec.Template.Spec
		c := p.Containers[0]
		probes := []string{c.Startup.HTTPGet.Path, c.Liveness.HTTPGet.Path, c.Readiness.HTTPGet.Path}
		if !slices.Equal(probes, []string{"/healthz", "/healthz", "/readyz"}) {
			t.Errorf("%s: startup, liveness and readiness are probed at %q", name, probes)
		}
		health := c.Ports[len(c.Ports)-1]
		for _, port := range []string{c.Startup.HTTPGet.Port, c.Liveness.HTTPGet.Port, c.Readiness.HTTPGet.Port} {
			if port != health.Name {
				t.Errorf("%s: port %s is probed, the container's is %s", name, port, health.Name)
			}
		}
		if port := d.Spec.Template.Metadata.Annotations["prometheus.io/port"]; port != strconv.Itoa(health.ContainerPort) {
			t.Errorf("%s: Prometheus scrapes port %s, the container's is %d", name, port, health.ContainerPort)
		}
		s := c.SecurityContext
		if !p.SecurityContext.RunAsNonRoot || p.SecurityContext.RunAsUser == 0 || !s.ReadOnly || s.Escalation ||
			!slices.Equal(s.Capabilities.Drop, []string{"ALL"}) || p.Token {
			t.Errorf("%s may do more than it has to: %+v %+v", name, p.SecurityContext, s)
		}
		if c.Resources.Limits["memory"] == "" {
			t.Errorf("%s has no limit of memory", name)
		}
	}
}

func TestPodsMayFinish(t *testing.T) {
	t.Parallel()
	found := deployments(t)
	if grace := time.Duration(found["worker"].Spec.Template.Spec.Grace) * time.Second; grace <= longestCall {
		t.Errorf("a worker has %s to finish, want more than %s", grace, longestCall)
	}
	// 15 s for requests in progress, plus the seconds of preStop.
	if grace := found["gateway"].Spec.Template.Spec.Grace; grace < 20 {
		t.Errorf("a gateway has %d s to finish, want 20 at least", grace)
	}
}

func TestADisruptionLeavesOnePodOfEach(t *testing.T) {
	t.Parallel()
	found := deployments(t)
	kept := map[string]bool{}
	for _, m := range applied(t) {
		if m.Kind != "PodDisruptionBudget" {
			continue
		}
		labels, _ := m.Spec.Selector["matchLabels"].(map[string]any)
		component, _ := labels["app.kubernetes.io/component"].(string)
		kept[component] = m.Spec.MinAvailable > 0 && m.Spec.MinAvailable < found[component].Spec.Replicas
	}
	if !kept["gateway"] || !kept["worker"] {
		t.Errorf("disruption budgets that leave one and give up one: %v, want gateway and worker", kept)
	}
}

func TestTheServiceLeadsToTheGateways(t *testing.T) {
	t.Parallel()
	labels := deployments(t)["gateway"].Spec.Template.Metadata.Labels
	services := 0
	for _, m := range applied(t) {
		if m.Kind != "Service" {
			continue
		}
		services++
		for key, value := range m.Spec.Selector {
			if labels[key] != value {
				t.Errorf("the service wants %s=%v, the gateways have %q", key, value, labels[key])
			}
		}
		if m.Spec.Ports[0].TargetPort != deployments(t)["gateway"].Spec.Template.Spec.Containers[0].Ports[0].Name {
			t.Errorf("the service leads to port %s, which no gateway has", m.Spec.Ports[0].TargetPort)
		}
	}
	if services != 1 {
		t.Errorf("%d services, want one", services)
	}
}

// The config and the secret together are a complete configuration, and the example of the secret contains no
// real secret.
func TestKubernetesConfigLoads(t *testing.T) {
	t.Parallel()
	secret := manifests(t, "secret.example.yaml")[0]
	values := map[string]string{"REDIS_URL": "redis://redis:6379/0", "ALERTMANAGER_TOKEN_SHA256": strings.Repeat("0a", 32), "OPERATORS_TOKEN_SHA256": strings.Repeat("0b", 32)}
	for name, value := range secret.StringData {
		if value != "" {
			t.Errorf("%s has the value %q: an example must not be applied as it is", name, value)
		}
		if values[name] == "" {
			values[name] = "a secret"
		}
	}
	cfg, err := config.Load(filepath.Join(repository, kubernetes, "wecomq.yaml"), func(name string) (string, bool) {
		_, known := secret.StringData[name]
		return values[name], known
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range deployments(t) {
		c := d.Spec.Template.Spec.Containers[0]
		if want := c.VolumeMounts[0].MountPath + "/wecomq.yaml"; c.Env[0].Name != "WECOMQ_CONFIG" || c.Env[0].Value != want {
			t.Errorf("%s: %s is %s, want WECOMQ_CONFIG and %s", name, c.Env[0].Name, c.Env[0].Value, want)
		}
		listen := []string{cfg.Gateway.Listen, cfg.Gateway.MetricsListen}
		if name == "worker" {
			listen = []string{c.Args[slices.Index(c.Args, "--listen")+1]}
		}
		var want []string
		for _, port := range c.Ports {
			want = append(want, "0.0.0.0:"+strconv.Itoa(port.ContainerPort))
		}
		if !slices.Equal(listen, want) {
			t.Errorf("%s listens on %s, want %s", name, listen, want)
		}
	}
	if !regexp.MustCompile(`files: \[wecomq\.yaml\]`).Match(read(t, filepath.Join(kubernetes, "kustomization.yaml"))) {
		t.Error("the kustomization does not make the ConfigMap of wecomq.yaml")
	}
}
