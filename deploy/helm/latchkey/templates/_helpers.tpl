{{- define "latchkey.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* Takes (list $ "worker"). */}}
{{- define "latchkey.selector" -}}
app.kubernetes.io/name: latchkey
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "latchkey.labels" -}}
{{ include "latchkey.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name (index . 0).Chart.Version }}
{{- end }}

{{- define "latchkey.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/*
JSON of maps laid over each other: of a name that several have, the last value alone counts. mergeOverwrite would mix a
valueFrom of one with that of another. Takes (list map map).
*/}}
{{- define "latchkey.overlaid" -}}
{{- $all := dict }}
{{- range . }}{{ range $name, $value := . }}{{ $_ := set $all $name $value }}{{ end }}{{ end }}
{{- $all | toJson }}
{{- end }}

{{/* "true" if the value refers to a Secret or the like, and has no text of its own. */}}
{{- define "latchkey.isReference" -}}
{{- if kindIs "map" . }}{{ and (hasKey . "valueFrom") (not (hasKey . "value")) }}{{ else }}{{ kindIs "invalid" . }}{{ end }}
{{- end }}

{{/* A number without an exponent: Helm reads those of values files as floats, and 1000000 would become 1e+06. */}}
{{- define "latchkey.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ printf "%.0f" . }}{{ else }}{{ . | toString }}{{ end }}
{{- end }}

{{/*
The variables of one role's process: the chart's own, config and the role's env, of which the last wins. Each name
appears once, because Kubernetes refuses to apply a list with duplicates; one that is null is left out. Takes (list $ "worker" dict-of-the-chart's-own).
*/}}
{{- define "latchkey.env" -}}
{{- $root := index . 0 }}{{ $role := index . 1 }}
{{- $_ := required "config.PUBLIC_URL is required: the address that users' browsers open" $root.Values.config.PUBLIC_URL }}
{{- $secrets := list "DATABASE_URL" "ENCRYPTION_KEYS" "PAYLOAD_KEYS" "JWT_SECRET" "OIDC_CLIENT_SECRET" "WEBHOOK_URL" "WEBHOOK_SECRETS" "TEMPORAL_API_KEY" "EGRESS_PROXY" "TEMPORAL_TLS_CLIENT_KEY_DATA" "OTEL_EXPORTER_OTLP_HEADERS" }}
{{- range $place, $variables := dict "config" $root.Values.config (printf "%s.env" $role) (index $root.Values $role).env }}
{{- range $name, $value := $variables }}
{{- if has $name (list "PORT" "METRICS_PORT") }}{{ fail (printf "%s.%s: the port of a process is set by %s" $place $name (ternary "the chart" (printf "%s.metricsPort" $role) (eq $name "PORT"))) }}{{ end }}
{{- if and (has $name $secrets) (ne (include "latchkey.isReference" $value) "true") }}{{ fail (printf "%s.%s is a secret: put it into the Secret that existingSecret names, or refer to another one with valueFrom" $place $name) }}{{ end }}
{{- end }}
{{- end }}
{{- range $name, $value := include "latchkey.overlaid" (list (index . 2) $root.Values.config (index $root.Values $role).env) | fromJson }}
{{- if not (kindIs "invalid" $value) }}
- name: {{ $name }}
  {{- if kindIs "map" $value }}
  {{- toYaml $value | nindent 2 }}
  {{- else }}
  value: {{ include "latchkey.text" $value | quote }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Takes (list $ "name of the Secret"). */}}
{{- define "latchkey.envFrom" -}}
- secretRef:
    name: {{ required "existingSecret is required: a Secret with DATABASE_URL and ENCRYPTION_KEYS" (index . 1) }}
{{- end }}

{{- define "latchkey.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "latchkey.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* The spec of a pod that both deployments share, up to the containers. Takes (list $ "worker" .Values.worker). */}}
{{- define "latchkey.pod" -}}
{{- $root := index . 0 }}{{ $role := index . 2 }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ $role.terminationGracePeriodSeconds }}
securityContext: {{- include "latchkey.podSecurity" $root | nindent 2 }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.extraVolumes }}
volumes: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $role.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $role.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $role.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $role.topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml . | nindent 2 }}
{{- else }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "latchkey.selector" (list $root (index . 1)) | nindent 8 }}
{{- end }}
{{- end }}
