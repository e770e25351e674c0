package main

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// Prometheus adds these when it scrapes.
var scraped = []string{"job", "instance"}

// Series are a metric's label names, each with its values.
type series map[string]map[string]bool

// served is what the example serves after a minute of work, in fake time: the
// series by metric name.
func served(t *testing.T) map[string]series {
	t.Helper()
	var text string
	synctest.Test(t, func(t *testing.T) {
		watch, metrics, err := instrument()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go work(ctx, watch, time.Second)
		for range 60 {
			time.Sleep(time.Second)
			w := httptest.NewRecorder()
			metrics.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
			text = w.Body.String()
			if strings.Contains(text, "dynalock_waiter_longest_seconds{") && strings.Contains(text, `outcome="lost"`) {
				break // somebody waits just now
			}
		}
		cancel()
	})
	p := expfmt.NewTextParser(model.UTF8Validation)
	families, err := p.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]series{}
	for name, f := range families {
		for _, m := range f.Metric {
			if f.GetType() == dto.MetricType_HISTOGRAM {
				add(all, name+"_sum", m.Label)
				add(all, name+"_count", m.Label)
				for _, b := range m.Histogram.Bucket {
					le, bound := "le", model.SampleValue(b.GetUpperBound()).String()
					add(all, name+"_bucket", append(slices.Clone(m.Label), &dto.LabelPair{Name: &le, Value: &bound}))
				}
				continue
			}
			add(all, name, m.Label)
		}
	}
	return all
}

func add(all map[string]series, name string, with []*dto.LabelPair) {
	if all[name] == nil {
		all[name] = series{}
	}
	for _, l := range with {
		if all[name][l.GetName()] == nil {
			all[name][l.GetName()] = map[string]bool{}
		}
		all[name][l.GetName()][l.GetValue()] = true
	}
}

// unknown parses an expression and names what it asks for that is not served.
func unknown(t *testing.T, all map[string]series, expr string) (found []string) {
	t.Helper()
	// Grafana's own variables stand for durations.
	for _, v := range []string{"$__rate_interval", "$__range"} {
		expr = strings.ReplaceAll(expr, v, "5m")
	}
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Errorf("%s: %v", expr, err)
		return nil
	}
	known := series{}
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			for name, values := range all[s.Name] {
				known[name] = values
			}
			found = append(found, unknownSelector(all, s)...)
		}
		return nil
	})
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if a, ok := node.(*parser.AggregateExpr); ok {
			for _, name := range a.Grouping {
				if known[name] == nil && !slices.Contains(scraped, name) && name != "error_type" { // of failures only
					found = append(found, "label "+name)
				}
			}
		}
		return nil
	})
	return found
}

func unknownSelector(all map[string]series, s *parser.VectorSelector) (found []string) {
	of := all[s.Name]
	if of == nil {
		return []string{s.Name}
	}
	for _, m := range s.LabelMatchers {
		switch {
		case m.Name == model.MetricNameLabel || slices.Contains(scraped, m.Name):
		case of[m.Name] == nil:
			found = append(found, s.Name+" by label "+m.Name)
		case m.Type == labels.MatchEqual && !of[m.Name][m.Value]:
			found = append(found, s.Name+" with "+m.String())
		}
	}
	return found
}

// A dashboard is what the test needs of dashboard.json.
type dashboard struct {
	Title  string
	Panels []struct {
		ID      int
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr string }
	}
}

func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) < 10 {
		t.Fatalf("%d panels", len(d.Panels))
	}
	all, ids := served(t), map[int]bool{}
	for i, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 || p.GridPos.X+p.GridPos.W > 24 || len(p.Targets) == 0 {
			t.Errorf("panel %q: id %d, %+v, %d targets", p.Title, p.ID, p.GridPos, len(p.Targets))
		}
		ids[p.ID] = true
		for _, q := range d.Panels[:i] {
			if a, b := p.GridPos, q.GridPos; a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("panels %q and %q overlap", p.Title, q.Title)
			}
		}
		for _, target := range p.Targets {
			for _, u := range unknown(t, all, target.Expr) {
				t.Errorf("panel %q asks for %s, which is not served", p.Title, u)
			}
		}
	}
	// And the other way round: what is served is shown.
	for name := range all {
		if !strings.HasPrefix(name, "dynalock_") || strings.HasSuffix(name, "_sum") {
			continue
		}
		family := strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count")
		if !strings.Contains(string(text), family) {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// Rules are a file of alert rules, as far as Prometheus and this test know it.
type rules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr         string
			Labels, Annotations map[string]string
		}
	}
}

func TestAlerts(t *testing.T) {
	f, err := os.Open("alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	var r rules
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	all, names := served(t), []string{}
	for _, g := range r.Groups {
		for _, rule := range g.Rules {
			names = append(names, rule.Alert)
			for _, u := range unknown(t, all, rule.Expr) {
				t.Errorf("%s asks for %s, which is not served", rule.Alert, u)
			}
			if rule.Annotations["summary"] == "" || rule.Labels["severity"] == "" {
				t.Errorf("%s says too little: %v", rule.Alert, rule)
			}
		}
	}
	if want := []string{"DynalockLockLost", "DynalockRenewalLate", "DynalockWaitTooLong"}; !slices.Equal(names, want) {
		t.Errorf("alerts %q, want %q", names, want)
	}
}

// What is not served is found.
func TestUnknown(t *testing.T) {
	all := map[string]series{"a": {"x": {"1": true}}}
	for expr, want := range map[string]string{
		`sum by (x) (rate(a{x="1",job=~"$job"}[$__rate_interval]))`: "",
		`rate(b[5m])`:      "b",
		`a{y="1"}`:         "a by label y",
		`a{x="2"}`:         `a with x="2"`,
		`sum by (z) (a)`:   "label z",
		`a{x!~"2|3"} > 60`: "",
	} {
		if got := strings.Join(unknown(t, all, expr), ", "); got != want {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}
