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

{{/* The variables of every process. Secrets come from the Secret alone. */}}
{{- define "latchkey.env" -}}
{{- range $name := list "DATABASE_URL" "ENCRYPTION_KEYS" "PAYLOAD_KEYS" "JWT_SECRET" "OIDC_CLIENT_SECRET" "WEBHOOK_URL" "WEBHOOK_SECRETS" "TEMPORAL_API_KEY" "EGRESS_PROXY" "TEMPORAL_TLS_CLIENT_KEY_DATA" "OTEL_EXPORTER_OTLP_HEADERS" }}
{{- if hasKey $.Values.config $name }}{{ fail (printf "config.%s is a secret: put it into the Secret that existingSecret names" $name) }}{{ end }}
{{- end }}
{{- $_ := required "config.PUBLIC_URL is required: the address that users' browsers open" .Values.config.PUBLIC_URL }}
{{- range $name, $value := .Values.config }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}

{{- define "latchkey.envFrom" -}}
- secretRef:
    name: {{ required "existingSecret is required: a Secret with DATABASE_URL and ENCRYPTION_KEYS" .Values.existingSecret }}
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
