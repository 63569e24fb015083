export const addressClass = 'waypost.dev/ingress';
export const leaseNamespace = 'kube-system';
export const leaseName = 'waypost-ingress';
